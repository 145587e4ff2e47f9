"""The files that `ser data check` writes: `check.json` and `check.html`."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from data_pipeline.errors import UserError
from data_pipeline.quality.check import Check
from data_pipeline.quality.check_page import check_page
from data_pipeline.quality.duplicates import DuplicateGroup
from data_pipeline.quality.findings import UNUSABLE
from data_pipeline.quality.measure import Measurement
from data_pipeline.quality.recording import Recording
from data_pipeline.storage.atomic_file import replacing, write_text

FORMAT = 1
"""Version of the layout of `check.json`."""


def summary(result: Check) -> dict:
    """The findings as plain values, without the measurements of every recording.

    Args:
        result: Result of a check.
    """
    return {
        "format": FORMAT,
        "corpora": {name: _count(result, name) for name in result.corpora},
        "unusable": result.unusable,
        "contradictions": result.contradictions,
        "leaks": result.leaks,
        "counts": {kind.value: count for kind, count in result.counts.items()},
        "findings": [
            {
                "clip": result.recordings[finding.place].title,
                "kind": finding.kind.value,
                "detail": finding.detail,
                "unusable": finding.kind in UNUSABLE,
            }
            for finding in result.findings
        ],
        "corpus_findings": [asdict(finding) for finding in result.corpus_findings],
        "repeats": [_describe_repeats(group) for group in result.repeats],
        "set_aside": [{"file": clip.file, "reason": clip.reason} for clip in result.set_aside],
        "ignored": list(result.ignored),
        "elsewhere": list(result.elsewhere),
        "others": list(result.others),
    }


def _count(result: Check, corpus: str) -> dict:
    seconds = [
        measurement.seconds
        for recording, measurement in zip(result.recordings, result.measurements, strict=True)
        if recording.corpus == corpus
    ]
    return {"clips": len(seconds), "hours": round(sum(seconds) / 3600, 4)}


def _describe_repeats(group: DuplicateGroup) -> dict:
    return {
        "identical": group.exact,
        "contradictory": group.contradictory,
        "leaking": group.leaking,
        "clips": [
            {
                "clip": recording.title,
                "speaker": recording.speaker,
                "emotion": recording.emotion,
                "side": recording.split,
            }
            for recording in group.recordings
        ],
        "matches": [
            {
                "clips": [group.recordings[group.places.index(place)].title for place in pair],
                "correlation": round(match.correlation, 4),
                "shift": round(match.shift, 4),
                "gain": round(match.gain, 2),
            }
            for pair, match in group.matches
        ],
    }


def write(result: Check, folder: Path) -> Path:
    """Write `check.json` and `check.html`.

    `check.json` holds the values of `summary` and, under `clips`, the measurements of every recording, one per line.

    Args:
        result: Result of a check.
        folder: Folder for both files; made if it is missing.

    Returns:
        The path of the page.

    Raises:
        UserError: If the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made ({error.strerror}): choose another place with --output") from error
    with replacing(folder / "check.json") as part, part.open("w", encoding="utf-8") as file:
        file.writelines(_json_lines(result))
    write_text(folder / "check.html", check_page(result))
    return folder / "check.html"


def _json_lines(result: Check) -> Iterator[str]:
    """The text of `check.json`, piece by piece, since it is large for 100,000 recordings."""
    yield json.dumps(summary(result), indent=1, ensure_ascii=False).removesuffix("\n}")
    yield ',\n "clips": ['
    separator = "\n"
    for recording, measurement in zip(result.recordings, result.measurements, strict=True):
        yield separator + "  " + json.dumps(_describe(recording, measurement), ensure_ascii=False)
        separator = ",\n"
    yield "\n ]\n}\n"


def _describe(recording: Recording, measurement: Measurement) -> dict:
    known = {
        "clip": recording.title,
        "location": recording.location,
        "start": recording.start,
        "end": recording.end,
        "speaker": recording.speaker,
        "emotion": recording.emotion,
        "side": recording.split,
    }
    if measurement.failure:
        return {**known, "failure": measurement.failure}
    return {
        **known,
        "seconds": round(measurement.seconds, 4),
        "rate": measurement.rate,
        "channels": measurement.channels,
        "format": measurement.format,
        "peak_dbfs": round(measurement.peak, 2),
        "level_dbfs": round(measurement.level, 2),
        "full_scale": round(measurement.full_scale, 6),
        "longest_clip": measurement.longest_clip,
        "offset": round(measurement.offset, 6),
        "zeros": round(measurement.zeros, 4),
        "dead_channels": measurement.dead_channels,
        "cut_off": measurement.cut_off,
        "sha256": measurement.digest,
    }
