"""What a reader of a run's figures must know."""

from training.report.wording import LEARNED, SPLITS


def notices(metrics: dict) -> list[str]:
    """What a reader of these figures must know, a sentence each."""
    found = []
    if metrics["synthetic"]:
        found.append(
            "This speech is synthetic, made by a formant synthesiser: the figures say that the software works, "
            "and nothing about real voices."
        )
    if metrics["split_name"] == "random":
        found.append(f"The split is {SPLITS['random']}.")
    if metrics["speakers_unknown"]:
        found.append(
            f"Nobody says who speaks in {metrics['speakers_unknown']:,} clips of this dataset; each file counts "
            "as a speaker of its own, so that the same person may be on two sides and the figures flatter."
        )
    if metrics["outside_labels"]:
        counts = ", ".join(f"{emotion} {count:,}" for emotion, count in metrics["outside_labels"].items())
        found.append(f"Clips of emotions that the model does not know are left out: {counts}.")
    if metrics["tied"]:
        found.append(f"{metrics['tied']:,} clips are left out, since listeners did not agree on one of the labels.")
    # Metrics and runs of an earlier version do not say.
    if metrics.get("without_votes"):
        clips = metrics["clips"] + metrics["tied"]
        found.append(f"{metrics['without_votes']:,} of {clips:,} clips have no votes and count as acted.")
    if metrics["learned"] != metrics["measured_against"] and {metrics["learned"], metrics["measured_against"]} != {
        "soft",
        "voted",
    }:
        found.append(
            f"The run learned {LEARNED[metrics['learned']]} and is measured here against "
            f"{LEARNED[metrics['measured_against']]}; in CREMA-D the two agree on four clips in ten."
        )
    found += _of_calibration(metrics.get("calibration"))
    seen = metrics["seen_speakers"]
    if seen["validation"]:
        found.append(f"The epoch was chosen on {seen['validation']} of these speakers, so that its figures flatter.")
    if seen["train"]:
        found.append(f"The run was trained on {seen['train']} of these speakers: no figure for new ones.")
    return found


def _of_calibration(calibration: dict | None) -> list[str]:
    if not calibration:
        return []
    found = (
        f"Answers are at the temperature {calibration['temperature']:.2f}; without it the ECE is "
        f"{calibration['ece_before']:.1%}."
    )
    if calibration["fitted_speakers"]:
        found += f" The temperature was fitted on {calibration['fitted_speakers']} of these speakers, so that the ECE "
        found += "flatters"
        if "ece_cross_fitted" in calibration:
            found += f"; with each speaker at the temperature of the others it is {calibration['ece_cross_fitted']:.1%}"
        found += "."
    return [found]
