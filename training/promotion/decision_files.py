"""`decision.json` and `decision.html`, the files that a promotion test leaves."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data_pipeline.storage.atomic_file import write_text
from training.promotion.challenger import PromotionResult, PromotionTest
from training.promotion.decision_page import decision_page
from training.promotion.rule import PromotionOutcome
from training.run.folder import Run

JSON = "decision.json"
PAGE = "decision.html"

_METRICS = ("clips", "speakers", "wa", "ua", "macro_f1", "ece", "per_class", "confusion")


def describe_decision(test: PromotionTest, result: PromotionResult, promoted: Mapping[str, Any]) -> dict[str, Any]:
    """The content of `decision.json`.

    Args:
        test: The promotion test.
        result: Its result.
        promoted: What was done, such as the version that was written; empty if nothing was.

    Returns:
        `outcome`, `reasons`, `detectable` (the smallest difference that could have been found), `overall` and `groups`
        with their differences, `rule`, `champion` and `challenger` (folder, fingerprint of the data, training
        speakers), `data`, `speakers` (those who were measured on), `metrics` by channel and model, and `promoted`.
    """
    return {
        **asdict(result.decision),
        "promoted": dict(promoted),
        "champion": _describe_run(test.champion),
        "challenger": _describe_run(result.challenger),
        "data": {
            "old": [{"folder": str(part.folder), "fingerprint": part.fingerprint} for part in test.old],
            "new": [{"folder": str(part.folder), "fingerprint": part.fingerprint} for part in test.new],
            "fingerprint": result.dataset.fingerprint,
        },
        "measured_against": test.labels,
        "speakers": list(result.dataset.split("test").speakers),
        "metrics": {
            channel: {
                name: {key: value for key, value in found.items() if key.removesuffix("_interval") in _METRICS}
                for name, found in models.items()
            }
            for channel, models in result.measured.items()
        },
    }


def write_decision(test: PromotionTest, result: PromotionResult, folder: Path, promoted: Mapping[str, Any]) -> Path:
    """Write both files.

    Args:
        test: See `describe_decision`.
        result: See `describe_decision`.
        folder: An existing folder for the files.
        promoted: See `describe_decision`.

    Returns:
        The path of the page.
    """
    content = describe_decision(test, result, promoted)
    write_text(folder / JSON, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    facts = [
        ("champion", str(test.champion.folder)),
        ("challenger", str(result.challenger.folder)),
        ("old training clips", f"{test.champion.config['data']['clips']['train']:,}"),
        ("all training clips", f"{result.challenger.config['data']['clips']['train']:,}"),
        ("speakers measured on", f"{result.decision.overall.speakers:,}"),
        *((name, str(value)) for name, value in promoted.items()),
    ]
    write_text(folder / PAGE, decision_page(result.decision, facts, _notices(test, result), result.measured))
    return folder / PAGE


def _describe_run(run: Run) -> dict[str, Any]:
    data = run.config["data"]
    return {
        "folder": str(run.folder),
        "fingerprint": data["fingerprint"],
        "clips": data["clips"],
        "speakers": {split: len(speakers) for split, speakers in data["speakers"].items()},
    }


def _notices(test: PromotionTest, result: PromotionResult) -> list[str]:
    found = []
    if result.dataset.synthetic:
        found.append(
            "Some of this speech is synthetic, made by a formant synthesiser: a model that is better on it need not be "
            "better on real voices."
        )
    if result.dataset.speakers_unknown:
        found.append(
            f"The speakers of {result.dataset.speakers_unknown:,} clips are not known. Each of these clips counts as a "
            "speaker of its own, so the same person may be in training and in the measurement, and intervals are too "
            "narrow."
        )
    if test.champion.config["data"]["fingerprint"] not in {part.fingerprint for part in test.old}:
        found.append("The champion was not trained on the old data as they are now.")
    if result.decision.outcome is not PromotionOutcome.BETTER:
        found.append("The champion stays.")
    return found
