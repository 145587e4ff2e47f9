"""What a reader of a run's figures must know, in the same words on the terminal, on pages and in model cards."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data_pipeline.pages import p_value, quantity
from training.evaluation.speaker_permutations import FEWEST_SPEAKERS, least_p

MAIN = (("wa", "WA"), ("ua", "UA"), ("macro_f1", "macro-F1"), ("ece", "ECE"))
"""The main figures of a condition: keys in `metrics.json` and titles."""

RANDOM = "clip by clip: the same speakers are in every split, so these figures are too good; for comparison only"
"""The random split in words."""

LEARNED = {
    "acted": "the emotions that speakers were asked to act",
    "voted": "what most listeners heard",
    "soft": "the shares of listeners' votes",
}
"""Kinds of labels in words."""


CANNOT_TELL = "cannot tell"
"""In the place of a p value that needs more speakers."""


def split_in_words(kind: str, speakers_unknown: int) -> str:
    """A kind of split in words, and whether it keeps people apart.

    Args:
        kind: `speaker`, `random` or `fold:K/N`.
        speakers_unknown: Number of clips whose speaker is unknown.
    """
    if kind == "random":
        return RANDOM
    apart = "people who are not named may be in two splits" if speakers_unknown else "no speaker is in two splits"
    if kind.startswith("fold:"):
        number, _, folds = kind.removeprefix("fold:").partition("/")
        return f"by speaker, fold {number} of {folds}: {apart}"
    return f"by speaker: {apart}"


def absent_in_words(absent: Sequence[str], labels: Sequence[str]) -> list[str]:
    """What the lack of some emotions means for the figures, a sentence; nothing if every emotion has clips.

    Args:
        absent: Labels that no clip has.
        labels: All labels.
    """
    if not absent:
        return []
    rest = len(labels) - len(absent)
    return [
        f"No clip is labelled {' or '.join(absent)}: UA is the mean recall of {rest} of {len(labels)} emotions, and "
        "cannot be compared with a UA over all of them."
    ]


def start(config: Mapping[str, Any]) -> str:
    """Where the weights of a run come from, or the members of an ensemble.

    Args:
        config: Content of `config.json`.
    """
    members = config["model"].get("members")
    if members:
        return f"an ensemble of {', '.join(member['name'] for member in members)}"
    weights = config["weights"]
    if isinstance(weights, Mapping):
        return f"weights from {weights['checkpoint']}"
    return f"weights from {Path(weights).name}" if weights else "random initial weights"


def learned(config: Mapping[str, Any]) -> str:
    """Which labels a run has learned, and how many clips lack them.

    Args:
        config: Content of `config.json`.
    """
    without, clips = config["data"].get("without_votes", {}).get("train"), config["data"]["clips"]["train"]
    exceptions = f" ({without:,} of {clips:,} training clips have no votes and count as acted)" if without else ""
    return LEARNED[config["label_kind"]] + exceptions


def p_in_words(p: float | None, speakers: int) -> str:
    """A p value over speakers, or `cannot tell` where there are too few of them.

    Args:
        p: The p value; None where there is none. Files of earlier versions hold tails of a bootstrap, which are too
            small on few speakers: the smallest possible p takes their place.
        speakers: Number of speakers that were compared on.
    """
    if p is None or speakers < FEWEST_SPEAKERS:
        return CANNOT_TELL
    return p_value(max(p, least_p(speakers)))


def notices(metrics: Mapping[str, Any]) -> list[str]:
    """What a reader of these figures must know, a sentence each.

    Args:
        metrics: Metrics of one condition.
    """
    found = []
    if metrics["synthetic"]:
        found.append(
            "This speech is synthetic, made by a formant synthesiser: the figures show that the software works and "
            "say nothing about real voices."
        )
    if metrics["split_name"] == "random":
        found.append(f"The split is {RANDOM}.")
    if metrics["speakers_unknown"]:
        found.append(
            f"The speaker of {quantity(metrics['speakers_unknown'], 'clip')} of this dataset is not known. Each of "
            "these clips counts as a speaker of its own, so one person may be in two splits and the figures may be too "
            "good."
        )
    classes = metrics["per_class"]
    found += absent_in_words([label for label, row in classes.items() if not row["clips"]], list(classes))
    if metrics["outside_labels"]:
        counts = ", ".join(f"{emotion} {count:,}" for emotion, count in metrics["outside_labels"].items())
        found.append(f"Clips of emotions that the model does not know are left out: {counts}.")
    if metrics["tied"]:
        found.append(f"Left out: {quantity(metrics['tied'], 'clip')} on whose label listeners did not agree.")
    # Metrics of an earlier version lack this field.
    if metrics.get("without_votes"):
        clips = metrics["clips"] + metrics["tied"]
        found.append(f"{metrics['without_votes']:,} of {clips:,} clips have no votes and count as acted.")
    if metrics["learned"] != metrics["measured_against"] and {metrics["learned"], metrics["measured_against"]} != {
        "soft",
        "voted",
    }:
        found.append(
            f"The run learned {LEARNED[metrics['learned']]} and is measured here against "
            f"{LEARNED[metrics['measured_against']]}; in CREMA-D the two agree for four clips in ten."
        )
    if metrics.get("calibration"):
        found.append(_calibration(metrics["calibration"]))
    seen = metrics["seen_speakers"]
    if seen["validation"]:
        found.append(f"The epoch was chosen on {seen['validation']} of these speakers, so the figures are too good.")
    if seen["train"]:
        found.append(
            f"The run was trained on {seen['train']} of these speakers: the figures do not hold for new speakers."
        )
    return found


def _calibration(calibration: Mapping[str, Any]) -> str:
    found = (
        f"Answers are at the temperature {calibration['temperature']:.2f}; without it the ECE is "
        f"{calibration['ece_before']:.1%}."
    )
    if calibration["fitted_speakers"]:
        found += (
            f" The temperature was fitted on {calibration['fitted_speakers']} of these speakers, so the ECE is too good"
        )
        if "ece_cross_fitted" in calibration:
            found += f"; with each speaker at the temperature of the others it is {calibration['ece_cross_fitted']:.1%}"
        found += "."
    return found
