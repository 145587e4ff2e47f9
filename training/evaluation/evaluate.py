"""The predictions and the metrics of a run on one split of a prepared dataset."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from data_pipeline import input_pipeline
from data_pipeline.dataset import Dataset
from data_pipeline.emotion import EMOTIONS
from data_pipeline.errors import UserError
from data_pipeline.records.damage import damage_named
from data_pipeline.targets import Target, truth
from training.evaluation import groups, metrics, paired
from training.evaluation.condition import Condition
from training.run.answers import Predictions
from training.run.folder import FINGERPRINT_SHOWN, Run
from training.temperature import scaled

BATCH_SIZE = 32

WORST = 6
"""Number of clips that are reported as the most wrong ones."""


def predict(
    run: Run, dataset: Dataset, condition: Condition, on_batch: Callable[[int], None] | None = None
) -> Predictions:
    """Predict every clip of a split that has one of the run's labels: whole clips, at the run's temperature.

    Args:
        run: A run with weights.
        dataset: Any prepared dataset.
        condition: What to measure on and against.
        on_batch: Called with the number of clips that were predicted since the last call.

    Raises:
        UserError: If the dataset has no such split, or the split has no clip with one of the run's labels; if a shard
            of the dataset or the model's file is damaged.
    """
    target = Target(run.labels, condition.labels)
    known = input_pipeline.descriptions(dataset, condition.split, target)
    recogniser = run.recogniser()
    parts = []
    clips = run.front_end.batches(
        dataset, condition.split, batch_size=BATCH_SIZE, target=target, channel=condition.telephone
    )
    with damage_named(dataset):
        # Arrays, since JAX takes no tensors of TensorFlow.
        for features, _ in clips.as_numpy_iterator():
            parts.append(recogniser.model.predict_on_batch(features))
            if on_batch:
                on_batch(len(parts[-1]))
    right = truth(known["label"], known["votes"], target)
    probabilities = scaled(np.concatenate(parts), recogniser.temperature).astype(np.float32)
    return Predictions(known["name"], known["speaker"], right, probabilities, known)


def with_right_answer(answers: Predictions, refusal: str = "") -> Predictions:
    """The predictions of those clips that have one right answer.

    Args:
        answers: Predictions of a split.
        refusal: The message of the error where there are no such clips. Without it, none may be left.

    Raises:
        UserError: If no clip has a right answer and a message is given.
    """
    clear = answers.clear
    if refusal and not clear.any():
        raise UserError(refusal)
    return Predictions(
        answers.names[clear],
        answers.speakers[clear],
        answers.truth[clear],
        answers.probabilities[clear],
        {name: values[clear] for name, values in answers.known.items()},
    )


def no_right_answer(dataset: Dataset, condition: Condition) -> str:
    """Why no clip of a split has a right answer, for the message of an error."""
    return f"listeners agree on one of the labels for no {condition.split} clip of {dataset.folder}"


def evaluate(run: Run, dataset: Dataset, condition: Condition, on_batch: Callable[[int], None] | None = None) -> dict:
    """Metrics of a run under a condition: `predict` and `measure` in one; see there for arguments and errors.

    Raises:
        UserError: Also if the run is to be measured against votes and there are none, before any clip is predicted.
    """
    input_pipeline.without_votes(dataset, condition.split, Target(run.labels, condition.labels))
    return measure(run, dataset, condition, predict(run, dataset, condition, on_batch))


def measure(run: Run, dataset: Dataset, condition: Condition, answers: Predictions) -> dict:
    """Metrics of a run's predictions; see `metrics.compute_metrics`, with a description of what was evaluated.

    Args:
        run: The run that made the predictions.
        dataset: The dataset of the clips.
        condition: What was measured on and against.
        answers: From `predict`.

    Returns:
        An object for `metrics.json`: `condition` (its title, with the dataset where it is not the run's), `split`,
        `channel`, `packet_loss`, `measured_against` (`acted` or `voted`), `learned` (the run's kind of labels),
        `outside_labels` (number of clips left out, by emotion), `tied` (clips left out since listeners' votes tie, or
        most listeners heard none of the labels), `without_votes` (clips that count as acted, though measured against
        votes), `split_name` (how the data were split), `corpora`, `fingerprint`, `synthetic`, `speakers_unknown`,
        `seen_speakers` (how many of the speakers were in the run's `train` and `validation` splits), and all of
        `metrics.compute_metrics`; `groups` (see `groups.by_attribute`); `worst`, the clips that are most wrong: `place`
        among the split's clips with one of the labels, `name`, `speaker`, `right` emotion and its `probability`, the
        `answer` and its `confidence`, and listeners' `votes` where there are any.
        If the run was calibrated, also `calibration`: its `temperature`, `fitted_speakers` (how many of the speakers
        it was fitted on), `ece_before` without it, and, if it was fitted on some of them, its `ece_cross_fitted`. If
        the channel is not the clean one and the same clips were predicted through the clean one before:
        `against_clean`, see `paired.ModelComparison`.

    Raises:
        UserError: If the run is to be measured against votes and there are none, or no clip has a right answer.
    """
    without_votes = input_pipeline.without_votes(dataset, condition.split, Target(run.labels, condition.labels))
    clear = with_right_answer(answers, f"{no_right_answer(dataset, condition)}: measure with --labels acted")
    split = dataset.split(condition.split)
    clips = clear.probabilities, clear.truth, clear.speakers
    return {
        "condition": _title(run, dataset, condition),
        "split": condition.split,
        "channel": condition.channel,
        "packet_loss": condition.packet_loss,
        "measured_against": condition.labels,
        "learned": run.config["label_kind"],
        "outside_labels": Target(run.labels).outside(split),
        "tied": len(answers.truth) - len(clear.truth),
        "without_votes": without_votes,
        "split_name": dataset.split_kind,
        "corpora": list(dataset.corpora),
        "fingerprint": dataset.fingerprint,
        "synthetic": dataset.synthetic,
        "speakers_unknown": dataset.speakers_unknown,
        "seen_speakers": {
            name: len(set(speakers) & set(split.speakers)) for name, speakers in run.config["data"]["speakers"].items()
        },
        **metrics.compute_metrics(*clips, run.labels),
        **_calibration(run, clear, dataset, condition),
        "groups": groups.by_attribute(*clips, groups.attributes(clear.known), run.labels),
        **_against_clean(run, dataset, condition, answers),
        "worst": _worst(answers, run.labels),
    }


def _title(run: Run, dataset: Dataset, condition: Condition) -> str:
    """The condition's title, with the dataset if it is not the run's own: no two datasets have the same title."""
    own = run.config["data"]
    if dataset.fingerprint == own["fingerprint"]:
        return condition.title
    known = set(dataset.corpora) <= set(own["corpora"])
    name = dataset.folder.resolve().name if known else ", ".join(dataset.corpora)
    return f"{condition.title}, of {name} ({dataset.fingerprint[:FINGERPRINT_SHOWN]})"


def _worst(answers: Predictions, labels: Sequence[str]) -> list[dict]:
    """The wrong predictions with the lowest probability of the right emotion."""
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
    """Listeners' votes on a clip, the most frequent emotion first."""
    counts = answers.known["votes"][place]
    order = np.argsort(-counts, kind="stable")
    votes = {str(EMOTIONS[emotion]): int(counts[emotion]) for emotion in order if counts[emotion]}
    return {"votes": votes} if votes else {}


def _against_clean(run: Run, dataset: Dataset, condition: Condition, answers: Predictions) -> dict:
    """How the predictions differ from those through the clean channel, where these are known."""
    if condition.channel == "clean":
        return {}
    clean_condition = replace(condition, channel="clean", packet_loss=0.0)
    clean = run.answers(_title(run, dataset, clean_condition), dataset.fingerprint)
    if clean is None or not np.array_equal(clean.names, answers.names):
        return {}
    clear = answers.clear
    compared = paired.compare_models(
        clean.probabilities[clear], answers.probabilities[clear], answers.truth[clear], answers.speakers[clear]
    )
    return {"against_clean": compared.to_json()}


def _calibration(run: Run, clear: Predictions, dataset: Dataset, condition: Condition) -> dict:
    """The effect of the run's temperature on these predictions, and how many of the speakers it was fitted on."""
    known = run.calibration
    if known is None:
        return {}
    before = scaled(clear.probabilities, 1 / known["temperature"])
    effect: dict = {
        "temperature": known["temperature"],
        "fitted_speakers": len(set(map(str, clear.speakers)) & set(known["speakers"])),
        "ece_before": metrics.calibration_error(before, clear.truth),
    }
    same = (condition.title, dataset.fingerprint) == (known["condition"], known["fingerprint"])
    if same and effect["fitted_speakers"]:
        effect["ece_cross_fitted"] = known["ece_cross_fitted"]
    return {"calibration": effect}
