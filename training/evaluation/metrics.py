"""Metrics of emotion recognition, with 95 % intervals over speakers.

WA is the weighted accuracy (the share of clips that are right), UA the unweighted accuracy (the mean of the classes'
recalls), as in the INTERSPEECH 2009 Emotion Challenge (Schuller et al., section 3). Intervals come from a bootstrap
over speakers; see `training.evaluation.bootstrap`.
"""

from collections.abc import Sequence

import numpy as np

from training.evaluation.bootstrap import RESAMPLES, draw_speakers, interval_of

CALIBRATION_BINS = 15
"""Number of confidence bins of equal width, as in Guo et al. 2017 (arXiv:1706.04599)."""


def compute_metrics(
    probabilities: np.ndarray,
    truth: np.ndarray,
    speakers: np.ndarray,
    labels: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict:
    """All metrics of one set of clips.

    Args:
        probabilities: float [clips, classes].
        truth: int [clips], index of the right class.
        speakers: [clips], who speaks.
        labels: Names of the classes.
        resamples: Number of resamples of the bootstrap that gives the intervals.
        seed: Seed of the bootstrap.

    Returns:
        `clips`, `speakers`; `wa`, `ua`, `macro_f1` and `ece` between 0 and 1, and for each an `…_interval` of two
        ends (95 %), None for a single speaker; `per_class`: `precision`, `recall`, `f1`, `clips` of each label;
        `confusion`: rows are the truth, columns the predictions, in the order of `labels`, which is there as well;
        `reliability`: see `reliability`.

    Raises:
        ValueError: If there are no clips, or the lengths differ.
    """
    if not len(truth) or not len(truth) == len(probabilities) == len(speakers):
        raise ValueError(
            "truth, probabilities and speakers must be of one length above 0. "
            f"Received: {len(truth)}, {len(probabilities)}, {len(speakers)}"
        )
    names, member = np.unique(speakers, return_inverse=True)
    classes = len(labels)
    confusion = np.zeros((len(names), classes, classes))
    np.add.at(confusion, (member, truth, probabilities.argmax(1)), 1)
    bins = _calibration_sums(probabilities, truth, member, len(names))
    draws = draw_speakers(len(names), resamples, seed)
    resampled, resampled_bins = np.tensordot(draws, confusion, 1), np.tensordot(draws, bins, 1)
    total = confusion.sum(0)

    result: dict = {"clips": len(truth), "speakers": len(names)}
    for name, metric in (("wa", accuracy), ("ua", mean_recall), ("macro_f1", macro_f1)):
        result[name] = float(metric(total))
        result[f"{name}_interval"] = _ends(metric(resampled), len(names))
    result["ece"] = float(_calibration_error(bins.sum(0)))
    result["ece_interval"] = _ends(_calibration_error(resampled_bins), len(names))
    result["per_class"] = _per_class(total, labels)
    result["labels"] = list(labels)
    result["confusion"] = total.astype(int).tolist()
    result["reliability"] = reliability(probabilities, truth)
    return result


def calibration_error(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Expected calibration error: the mean gap between confidence and accuracy, over bins of confidence.

    Args:
        probabilities: float [clips, classes].
        truth: int [clips], index of the right class.

    Returns:
        A number between 0 and 1.
    """
    one_speaker = np.zeros(len(truth), np.int64)
    return float(_calibration_error(_calibration_sums(probabilities, truth, one_speaker, 1).sum(0)))


def reliability(probabilities: np.ndarray, truth: np.ndarray) -> list[dict[str, float]]:
    """The points of a reliability diagram.

    Args:
        probabilities: float [clips, classes].
        truth: int [clips], index of the right class.

    Returns:
        For each bin of confidence that has clips, from the lowest confidence: the mean `confidence` of these clips,
        the share of them that are right (`accuracy`), and their number (`clips`).
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    bins = _confidence_bin(confidence)
    return [
        {
            "confidence": float(confidence[bins == index].mean()),
            "accuracy": float(right[bins == index].mean()),
            "clips": int((bins == index).sum()),
        }
        for index in np.unique(bins)
    ]


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """WA of confusion matrices [..., truth, prediction]."""
    return np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum((-2, -1))


def mean_recall(confusion: np.ndarray) -> np.ndarray:
    """UA of confusion matrices [..., truth, prediction], over the classes that occur."""
    clips = confusion.sum(-1)
    recall = _ratio(np.diagonal(confusion, axis1=-2, axis2=-1), clips)
    return recall.sum(-1) / (clips > 0).sum(-1)


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Mean F1 of confusion matrices [..., truth, prediction], over the classes that occur or are predicted."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    either = confusion.sum(-1) + confusion.sum(-2)
    return _ratio(2 * right, either).sum(-1) / (either > 0).sum(-1)


def _ends(resampled: np.ndarray, speakers: int) -> list[float] | None:
    """An interval as JSON has it."""
    interval = interval_of(resampled, speakers)
    return list(interval) if interval else None


def _per_class(confusion: np.ndarray, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    right, clips, predicted = np.diagonal(confusion), confusion.sum(1), confusion.sum(0)
    columns = {
        "precision": _ratio(right, predicted),
        "recall": _ratio(right, clips),
        "f1": _ratio(2 * right, clips + predicted),
    }
    return {
        label: {
            **{name: float(values[index]) for name, values in columns.items()},
            "clips": int(clips[index]),
        }
        for index, label in enumerate(labels)
    }


def _calibration_sums(probabilities: np.ndarray, truth: np.ndarray, member: np.ndarray, speakers: int) -> np.ndarray:
    """Sums over the clips of each speaker and confidence bin, float [speakers, bins, 2].

    The first sum is that of confidence minus correctness, the second the number of clips.
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == truth
    place, places = member * CALIBRATION_BINS + _confidence_bin(confidence), speakers * CALIBRATION_BINS
    gaps = np.bincount(place, confidence - right, places)
    clips = np.bincount(place, minlength=places)
    return np.stack([gaps, clips], axis=-1).reshape(speakers, CALIBRATION_BINS, 2)


def _confidence_bin(confidence: np.ndarray) -> np.ndarray:
    return np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)


def _calibration_error(sums: np.ndarray) -> np.ndarray:
    """The gap of each bin, weighted by its share of the clips."""
    return np.abs(sums[..., 0]).sum(-1) / sums[..., 1].sum(-1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
