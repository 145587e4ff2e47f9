"""A run's metrics on one side of a prepared dataset."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data_pipeline import datasets
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.targets import Target, truth
from training import metrics
from training.channel import channel_named
from training.front_end import batches
from training.run import Run
from training.temperature import scaled

BATCH_SIZE = 32

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
    labels: str = "acted"

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


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a run answered.

    Attributes:
        names: Clip names, [clips].
        speakers: Who speaks, [clips].
        truth: int [clips], index of the right emotion; -1 where listeners agree on none of the labels.
        probabilities: float32 [clips, classes].
    """

    names: np.ndarray
    speakers: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray


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
    known = datasets.descriptions(dataset, condition.split, target)
    recogniser = run.recogniser()
    parts = []
    clips = batches(run.front_end, dataset, condition.split, batch_size=BATCH_SIZE, target=target, channel=channel)
    for features, _ in clips:
        parts.append(recogniser.model.predict_on_batch(features))
        if on_batch:
            on_batch(len(parts[-1]))
    right = truth(known["label"], known["votes"], target)
    probabilities = scaled(np.concatenate(parts), recogniser.temperature).astype(np.float32)
    return Predictions(known["name"], known["speaker"], right, probabilities)


def evaluate(run: Run, dataset: Dataset, condition: Condition, on_batch: Callable[[int], None] | None = None) -> dict:
    """Metrics of a run under a condition; see `metrics.evaluate`, with what was evaluated beside them.

    Args:
        run: See `predict`, as for the others.
        dataset: See there.
        condition: See there.
        on_batch: See there.

    Returns:
        An object for `metrics.json`: `condition` (its title, with the corpora where they are not the run's), `split`,
        `channel`, `packet_loss`, `measured_against` (`acted` or `voted`), `learned` (the run's kind of labels),
        `outside_labels` (clips left out, by emotion), `tied` (clips left out since listeners' votes tie, or most
        heard none of the labels), `without_votes` (clips that count as acted, though measured against votes),
        `split_name` (how the data was split), `corpora`, `fingerprint`, `synthetic`, `speakers_unknown`,
        `seen_speakers` (how many were on the run's `train` and `validation` sides), and all of `metrics.evaluate`.
        Where the run was calibrated also `calibration`: its `temperature`, `fitted_speakers` (how many of these it
        was fitted on), `ece_before` without it, and, where it was fitted on some of them, its `ece_cross_fitted`.

    Raises:
        UserError: See `predict`; also if votes are measured against and there are none, or no clip has a right answer.
    """
    without_votes = datasets.without_votes(dataset, condition.split, Target(run.labels, condition.labels))
    answers = predict(run, dataset, condition, on_batch)
    clear = answers.truth >= 0
    if not clear.any():
        raise UserError(
            f"listeners agree on one of the labels for no {condition.split} clip of {dataset.folder}: "
            "measure with --labels acted"
        )
    side = dataset.side(condition.split)
    probabilities, right, speakers = answers.probabilities[clear], answers.truth[clear], answers.speakers[clear]
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
        "split_name": dataset.split_name,
        "corpora": list(dataset.corpora),
        "fingerprint": dataset.fingerprint,
        "synthetic": dataset.synthetic,
        "speakers_unknown": dataset.speakers_unknown,
        "seen_speakers": {
            name: len(set(speakers) & set(side.speakers)) for name, speakers in run.config["data"]["speakers"].items()
        },
        **metrics.evaluate(probabilities, right, speakers, run.labels),
        **_calibration(run, probabilities, right, speakers, condition),
    }


def _title(run: Run, dataset: Dataset, condition: Condition) -> str:
    known = set(dataset.corpora) <= set(run.config["data"]["corpora"])
    return condition.title if known else f"{condition.title}, of {', '.join(dataset.corpora)}"


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
