"""How well emotions were told apart, with intervals over speakers.

WA is the weighted accuracy (the share of clips that are right), UA the unweighted (the mean of the classes' recalls),
as in the INTERSPEECH 2009 Emotion Challenge (Schuller et al., section 3). Clips of one speaker are not independent, so
intervals come from drawing speakers, not clips, with replacement (cluster bootstrap, percentile method; Efron and
Tibshirani 1993, chapter 13).
"""

from collections.abc import Sequence

import numpy as np

RESAMPLES = 2_000
"""Bootstrap resamples: enough that an interval's ends move by less than 0.3 points from one seed to another."""

CALIBRATION_BINS = 15
"""Equal-width confidence bins, as in Guo et al. 2017 (arXiv:1706.04599)."""


def evaluate(
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
        resamples: Bootstrap resamples for the intervals.
        seed: Of the bootstrap.

    Returns:
        `clips`, `speakers`; `wa`, `ua`, `macro_f1` and `ece` between 0 and 1 and for each an `…_interval` of two
        ends (95 %); `per_class`: `precision`, `recall`, `f1`, `clips` of each label; `confusion`: rows are the
        truth, columns the answers, in the order of `labels`, which is there as well; `reliability`: for each bin of
        confidence that has clips its mean `confidence`, the share of them that are right (`accuracy`), and `clips`.

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
    answers = probabilities.argmax(1)
    # Every metric follows from sums over clips, so a resample of speakers is a weighting of their sums.
    confusion = np.zeros((len(names), classes, classes))
    np.add.at(confusion, (member, truth, answers), 1)
    bins = _calibration_sums(probabilities, truth, member, len(names))

    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)
    total, total_bins = confusion.sum(0), bins.sum(0)
    resampled = np.tensordot(draws, confusion, 1)
    resampled_bins = np.tensordot(draws, bins, 1)

    result: dict = {"clips": len(truth), "speakers": len(names)}
    for name, metric in (("wa", accuracy), ("ua", mean_recall), ("macro_f1", macro_f1)):
        result[name] = float(metric(total))
        result[f"{name}_interval"] = _interval(metric(resampled))
    result["ece"] = float(_calibration_error(total_bins))
    result["ece_interval"] = _interval(_calibration_error(resampled_bins))
    result["per_class"] = _per_class(total, labels)
    result["labels"] = list(labels)
    result["confusion"] = total.astype(int).tolist()
    result["reliability"] = reliability(probabilities, truth)
    return result


def calibration_error(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Expected calibration error: how far confidence is from the share that is right, over bins of confidence.

    Args:
        probabilities: float [clips, classes].
        truth: int [clips], index of the right class.

    Returns:
        A number between 0 and 1.
    """
    everyone = np.zeros(len(truth), np.int64)
    return float(_calibration_error(_calibration_sums(probabilities, truth, everyone, 1).sum(0)))


def reliability(probabilities: np.ndarray, truth: np.ndarray) -> list[dict[str, float]]:
    """What became of answers of like confidence.

    Args:
        probabilities: float [clips, classes].
        truth: int [clips], index of the right class.

    Returns:
        For each bin that has clips, from the lowest confidence: `confidence` (mean), `accuracy`, `clips`.
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
    """WA of confusion matrices [..., truth, answer]."""
    return np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum((-2, -1))


def mean_recall(confusion: np.ndarray) -> np.ndarray:
    """UA of confusion matrices [..., truth, answer], over the classes that occur."""
    clips = confusion.sum(-1)
    recall = _ratio(np.diagonal(confusion, axis1=-2, axis2=-1), clips)
    return recall.sum(-1) / (clips > 0).sum(-1)


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Mean F1 of confusion matrices [..., truth, answer], over the classes that occur or are answered."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    either = confusion.sum(-1) + confusion.sum(-2)
    return _ratio(2 * right, either).sum(-1) / (either > 0).sum(-1)


def _per_class(confusion: np.ndarray, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    right, clips, answered = np.diagonal(confusion), confusion.sum(1), confusion.sum(0)
    columns = {
        "precision": _ratio(right, answered),
        "recall": _ratio(right, clips),
        "f1": _ratio(2 * right, clips + answered),
    }
    return {
        label: {
            **{name: float(values[index]) for name, values in columns.items()},
            "clips": int(clips[index]),
        }
        for index, label in enumerate(labels)
    }


def _calibration_sums(probabilities: np.ndarray, truth: np.ndarray, member: np.ndarray, speakers: int) -> np.ndarray:
    """Per speaker and confidence bin: confidence minus correctness, and clips; float [speakers, bins, 2]."""
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == truth
    place, places = member * CALIBRATION_BINS + _confidence_bin(confidence), speakers * CALIBRATION_BINS
    gaps = np.bincount(place, confidence - right, places)
    clips = np.bincount(place, minlength=places)
    return np.stack([gaps, clips], axis=-1).reshape(speakers, CALIBRATION_BINS, 2)


def _confidence_bin(confidence: np.ndarray) -> np.ndarray:
    return np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)


def _calibration_error(sums: np.ndarray) -> np.ndarray:
    """Expected calibration error: the gap of each bin, weighted by its share of the clips."""
    return np.abs(sums[..., 0]).sum(-1) / sums[..., 1].sum(-1)


def _interval(values: np.ndarray) -> list[float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return [float(low), float(high)]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
