"""A run's metrics on one side of a prepared dataset."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from data_pipeline import input_pipeline
from data_pipeline.dataset import Dataset
from data_pipeline.emotion import EMOTIONS
from data_pipeline.errors import UserError
from data_pipeline.targets import LabelKind, Target, truth
from training.evaluation import groups, metrics, paired
from training.evaluation.channel import channel_named
from training.evaluation.temperature import scaled
from training.run.answers import Predictions
from training.run.folder import Run

BATCH_SIZE = 32

WORST = 6
"""Clips that are told of as got most wrong."""

_MEASURABLE = ("acted", "voted")


@dataclass(frozen=True, slots=True)
class Condition:
    """On what, and against what, a run is measured.

    Attributes:
        split: Which side of the dataset.
        channel: What the clips are sent through first; see `channel.channel_named`.
        packet_loss: Share of packets that a telephone channel loses.
        labels: `acted`, or `voted` for what most listeners heard.

    Raises:
        UserError: If there is no such channel, it cannot lose such a share of packets, or `labels` is neither of the
            two.
    """

    split: str = "validation"
    channel: str = "clean"
    packet_loss: float = 0.0
    labels: LabelKind = "acted"

    def __post_init__(self) -> None:
        channel_named(self.channel, self.packet_loss)
        if self.labels not in _MEASURABLE:
            raise UserError(
                f"a run is measured against one right answer a clip: choose --labels {' or '.join(_MEASURABLE)}, "
                f"not {self.labels!r}"
            )

    @property
    def title(self) -> str:
        """The split, and whatever is not as usual: the key in `metrics.json`."""
        lossy = f" with {100 * self.packet_loss:g}% packet loss" if self.packet_loss else ""
        channel = "" if self.channel == "clean" else f", {self.channel}{lossy}"
        return f"{self.split}{channel}{'' if self.labels == 'acted' else ', as heard'}"


def predict(
    run: Run, dataset: Dataset, condition: Condition, on_batch: Callable[[int], None] | None = None
) -> Predictions:
    """Answers of a run for every clip of a split that has one of its labels, whole clips, at the run's temperature.

    Args:
        run: A run with weights.
        dataset: Any prepared dataset.
        condition: What to measure on and against.
        on_batch: Called with the number of clips answered since the last call.

    Raises:
        UserError: If the dataset has no such side, or the side no clip with one of the run's labels.
    """
    target = Target(run.labels, condition.labels)
    channel = channel_named(condition.channel, condition.packet_loss)
    known = input_pipeline.descriptions(dataset, condition.split, target)
    recogniser = run.recogniser()
    parts = []
    clips = run.front_end.batches(dataset, condition.split, batch_size=BATCH_SIZE, target=target, channel=channel)
    # Arrays, since JAX takes no tensors of TensorFlow.
    for features, _ in clips.as_numpy_iterator():
        parts.append(recogniser.model.predict_on_batch(features))
        if on_batch:
            on_batch(len(parts[-1]))
    right = truth(known["label"], known["votes"], target)
    probabilities = scaled(np.concatenate(parts), recogniser.temperature).astype(np.float32)
    return Predictions(known["name"], known["speaker"], right, probabilities, known)


def evaluate(run: Run, dataset: Dataset, condition: Condition, on_batch: Callable[[int], None] | None = None) -> dict:
    """Metrics of a run under a condition: `predict` and `measure` in one.

    Args:
        run: See there, as for the others.
        dataset: See there.
        condition: See there.
        on_batch: See there.

    Raises:
        UserError: See there; also if votes are measured against and there are none, which is told before any clip is
            answered.
    """
    input_pipeline.without_votes(dataset, condition.split, Target(run.labels, condition.labels))
    return measure(run, dataset, condition, predict(run, dataset, condition, on_batch))


def measure(run: Run, dataset: Dataset, condition: Condition, answers: Predictions) -> dict:
    """Metrics of a run's answers; see `metrics.evaluate`, with what was evaluated beside them.

    Args:
        run: That answered.
        dataset: What it answered for.
        condition: What was measured on and against.
        answers: From `predict`.

    Returns:
        An object for `metrics.json`: `condition` (its title, with the corpora where they are not the run's), `split`,
        `channel`, `packet_loss`, `measured_against` (`acted` or `voted`), `learned` (the run's kind of labels),
        `outside_labels` (clips left out, by emotion), `tied` (clips left out since listeners' votes tie, or most
        heard none of the labels), `without_votes` (clips that count as acted, though measured against votes),
        `split_name` (how the data was split), `corpora`, `fingerprint`, `synthetic`, `speakers_unknown`,
        `seen_speakers` (how many were on the run's `train` and `validation` sides), and all of `metrics.evaluate`;
        `groups` (see `groups.by_attribute`); `worst`, the clips that it got most wrong: `place` among the side's clips
        with one of the labels, `name`, `speaker`, `right` emotion and its `probability`, the `answer` and its
        `confidence`, and listeners' `votes` where there are any.
        Where the run was calibrated also `calibration`: its `temperature`, `fitted_speakers` (how many of these it was
        fitted on), `ece_before` without it, and, where it was fitted on some of them, its `ece_cross_fitted`. Where the
        same clips were answered through a clean channel before, and this is another: `against_clean`, see
        `paired.Comparison`.

    Raises:
        UserError: If votes are measured against and there are none, or no clip has a right answer.
    """
    without_votes = input_pipeline.without_votes(dataset, condition.split, Target(run.labels, condition.labels))
    clear = answers.clear
    if not clear.any():
        raise UserError(
            f"listeners agree on one of the labels for no {condition.split} clip of {dataset.folder}: "
            "measure with --labels acted"
        )
    side = dataset.split(condition.split)
    probabilities, right, speakers = answers.probabilities[clear], answers.truth[clear], answers.speakers[clear]
    columns = {name: values[clear] for name, values in groups.attributes(answers.known).items()}
    return {
        "condition": _title(run, dataset, condition),
        "split": condition.split,
        "channel": condition.channel,
        "packet_loss": condition.packet_loss,
        "measured_against": condition.labels,
        "learned": run.config["label_kind"],
        "outside_labels": Target(run.labels).outside(side),
        "tied": int((~clear).sum()),
        "without_votes": without_votes,
        "split_name": dataset.split_kind,
        "corpora": list(dataset.corpora),
        "fingerprint": dataset.fingerprint,
        "synthetic": dataset.synthetic,
        "speakers_unknown": dataset.speakers_unknown,
        "seen_speakers": {
            name: len(set(speakers) & set(side.speakers)) for name, speakers in run.config["data"]["speakers"].items()
        },
        **metrics.evaluate(probabilities, right, speakers, run.labels),
        **_calibration(run, probabilities, right, speakers, condition),
        "groups": groups.by_attribute(probabilities, right, speakers, columns, run.labels),
        **_against_clean(run, dataset, condition, answers),
        "worst": _worst(answers, run.labels),
    }


def _title(run: Run, dataset: Dataset, condition: Condition) -> str:
    known = set(dataset.corpora) <= set(run.config["data"]["corpora"])
    return condition.title if known else f"{condition.title}, of {', '.join(dataset.corpora)}"


def _worst(answers: Predictions, labels: Sequence[str]) -> list[dict]:
    """The wrong answers that leave the least probability for the right one."""
    of_right = answers.probabilities[np.arange(len(answers.truth)), answers.truth]
    wrong = answers.clear & (answers.probabilities.argmax(1) != answers.truth)
    places = np.flatnonzero(wrong)[np.argsort(of_right[wrong], kind="stable")][:WORST]
    return [
        {
            "place": int(place),
            "name": str(answers.names[place]),
            "speaker": str(answers.speakers[place]),
            "right": labels[answers.truth[place]],
            "probability": float(of_right[place]),
            "answer": labels[answers.probabilities[place].argmax()],
            "confidence": float(answers.probabilities[place].max()),
            **_votes(answers, place),
        }
        for place in places
    ]


def _votes(answers: Predictions, place: int) -> dict:
    """What listeners heard in a clip, the most frequent first."""
    counts = answers.known["votes"][place]
    heard = {str(EMOTIONS[emotion]): int(counts[emotion]) for emotion in np.argsort(-counts, kind="stable")}
    heard = {emotion: count for emotion, count in heard.items() if count}
    return {"votes": heard} if heard else {}


def _against_clean(run: Run, dataset: Dataset, condition: Condition, answers: Predictions) -> dict:
    """What the channel did to the answers, where those through a clean one are known."""
    if condition.channel == "clean":
        return {}
    clean_condition = replace(condition, channel="clean", packet_loss=0.0)
    clean = run.answers(_title(run, dataset, clean_condition), dataset.fingerprint)
    if clean is None or not np.array_equal(clean.names, answers.names):
        return {}
    clear = answers.clear
    compared = paired.compare(
        clean.probabilities[clear], answers.probabilities[clear], answers.truth[clear], answers.speakers[clear]
    )
    return {"against_clean": compared.to_json()}


def _calibration(
    run: Run, probabilities: np.ndarray, right: np.ndarray, speakers: np.ndarray, condition: Condition
) -> dict:
    """What the run's temperature did to these answers, and who fitted it."""
    known = run.calibration
    if known is None:
        return {}
    before = scaled(probabilities, 1 / known["temperature"])
    told: dict = {
        "temperature": known["temperature"],
        "fitted_speakers": len(set(map(str, speakers)) & set(known["speakers"])),
        "ece_before": metrics.calibration_error(before, right),
    }
    if condition.title == known["condition"] and told["fitted_speakers"]:
        told["ece_cross_fitted"] = known["ece_cross_fitted"]
    return {"calibration": told}
