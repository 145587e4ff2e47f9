"""`decision.json` and `decision.html`, which a challenge leaves behind."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data_pipeline.storage.atomic_file import write_text
from training.promotion.challenge import Challenge, Held
from training.promotion.decision_page import decision_page
from training.promotion.rule import Outcome
from training.run.folder import Run

JSON = "decision.json"
PAGE = "decision.html"

_FIGURES = ("clips", "speakers", "wa", "ua", "macro_f1", "ece", "per_class", "confusion")


def describe(challenge: Challenge, held: Held, promoted: Mapping[str, Any]) -> dict[str, Any]:
    """The content of `decision.json`.

    Args:
        challenge: What was asked.
        held: What came of it.
        promoted: What was done, such as the version that was written; empty if nothing was.

    Returns:
        `outcome`, `reasons`, `detectable` (the smallest difference that could have been told), `overall` and `groups`
        with their differences, `rule`, `champion` and `challenger` (folder, fingerprint of the data, training
        speakers), `data`, `speakers` (who measured), `metrics` by channel and model, and what was `promoted`.
    """
    decision = held.decision
    return {
        **asdict(decision),
        "promoted": dict(promoted),
        "champion": _of_run(challenge.champion),
        "challenger": _of_run(held.challenger),
        "data": {
            "old": [{"folder": str(part.folder), "fingerprint": part.fingerprint} for part in challenge.old],
            "new": [{"folder": str(part.folder), "fingerprint": part.fingerprint} for part in challenge.new],
            "fingerprint": held.dataset.fingerprint,
        },
        "measured_against": challenge.labels,
        "speakers": list(held.dataset.split("test").speakers),
        "metrics": {
            channel: {
                name: {key: value for key, value in found.items() if key.removesuffix("_interval") in _FIGURES}
                for name, found in models.items()
            }
            for channel, models in held.measured.items()
        },
    }


def write(challenge: Challenge, held: Held, folder: Path, promoted: Mapping[str, Any]) -> Path:
    """Write both files.

    Args:
        challenge: See `describe`, as for the others.
        held: See there.
        folder: Where to; it exists.
        promoted: See there.

    Returns:
        The page.
    """
    write_text(folder / JSON, json.dumps(describe(challenge, held, promoted), indent=2, ensure_ascii=False) + "\n")
    facts = [
        ("champion", str(challenge.champion.folder)),
        ("challenger", str(held.challenger.folder)),
        ("old training clips", f"{challenge.champion.config['data']['clips']['train']:,}"),
        ("all training clips", f"{held.challenger.config['data']['clips']['train']:,}"),
        ("speakers who measured", f"{held.decision.overall.speakers:,}"),
        *((name, str(value)) for name, value in promoted.items()),
    ]
    write_text(folder / PAGE, decision_page(held.decision, facts, _notices(challenge, held), held.measured))
    return folder / PAGE


def _of_run(run: Run) -> dict[str, Any]:
    data = run.config["data"]
    return {
        "folder": str(run.folder),
        "fingerprint": data["fingerprint"],
        "clips": data["clips"],
        "speakers": {side: len(speakers) for side, speakers in data["speakers"].items()},
    }


def _notices(challenge: Challenge, held: Held) -> list[str]:
    found = []
    if held.dataset.synthetic:
        found.append(
            "Some of this speech is synthetic, made by a formant synthesiser: what is better on it need not be better "
            "on real voices."
        )
    if held.dataset.speakers_unknown:
        found.append(
            f"Nobody says who speaks in {held.dataset.speakers_unknown:,} clips; each counts as a speaker of its own, "
            "so that the same person may have trained and measured, and intervals are too narrow."
        )
    if challenge.champion.config["data"]["fingerprint"] not in {part.fingerprint for part in challenge.old}:
        found.append("The champion was not trained on the old data as they are now.")
    if held.decision.outcome is not Outcome.BETTER:
        found.append("The champion stays.")
    return found
