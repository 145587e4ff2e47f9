"""Runs side by side: the page of `ser compare`, and the words that the terminal has in common with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_pipeline.pages import (
    IntervalMark,
    Page,
    Piece,
    Section,
    Table,
    Text,
    Value,
    interval,
    points,
    points_interval,
    quantity,
    render,
)
from data_pipeline.storage.atomic_file import write_text
from training.evaluation.groups import LEVEL
from training.evaluation.speaker_permutations import FEWEST_SPEAKERS
from training.report.page import clips_in_words
from training.report.wording import MAIN, absent_in_words, p_in_words, split_in_words

METHOD = (
    "Differences are the run's figure minus the first run's, on the same clips, with 95 % intervals by paired "
    "bootstrap over speakers. Their p is two-sided, by exchanging the two runs' answers speaker by speaker (sign-flip "
    f"test). Fewer than {FEWEST_SPEAKERS} speakers cannot tell. McNemar's test counts the clips that only one of the "
    "two runs has right. It takes clips as independent, so its p is too small where speakers differ. Every p is "
    f"corrected for the number of runs compared (Holm 1979); a difference is marked where it is below {LEVEL:g}."
)

_DIFFERENCES = (("wa", "WA"), ("ua", "UA"), ("macro_f1", "macro-F1"))


def write(comparison: Mapping[str, Any], path: Path) -> None:
    """Write a comparison as a page.

    Args:
        comparison: From `comparison.compare`.
        path: Path of the page.
    """
    names = names_of(comparison)
    first, speakers, labels = comparison["runs"][0], comparison["speakers"], comparison["labels"]
    figures = [
        (
            name,
            run["family"],
            *(Value(f"{run[key]:.1%}", interval(run[f"{key}_interval"], speakers)) for key, _ in MAIN),
            IntervalMark(run["ua"], run["ua_interval"], first["ua"]),
        )
        for name, run in zip(names, comparison["runs"], strict=True)
    ]
    recalls = [
        (name, *(_recall(run, first, label) for label in labels))
        for name, run in zip(names, comparison["runs"], strict=True)
    ]
    against = [_against(name, one, speakers) for name, one in zip(names[1:], comparison["comparisons"], strict=True)]
    corpora = ", ".join(comparison["corpora"])
    split = split_in_words(comparison["split_name"], comparison["speakers_unknown"])
    page = Page(
        f"{len(names)} runs, {comparison['condition']}",
        notices=comparison_notices(comparison),
        introduction=[f"{clips_in_words(comparison)} of {corpora}, split {split}."],
        sections=[
            Section("Figures", [Table("Figures", ("run", "family", *(title for _, title in MAIN), "UA"), figures)]),
            Section(f"Against {names[0]}", [*against, Text(METHOD, "quiet")]),
            Section("Recall of each emotion", [Table("Recall of each emotion", ("run", *labels), recalls)]),
        ],
    )
    write_text(path, render(page))


def names_of(comparison: Mapping[str, Any]) -> list[str]:
    """Names of the runs: those of their folders, or their paths where two names are the same.

    Args:
        comparison: From `comparison.compare`.
    """
    folders = [run["folder"] for run in comparison["runs"]]
    names = [Path(folder).name for folder in folders]
    return names if len(set(names)) == len(names) else folders


def comparison_notices(comparison: Mapping[str, Any]) -> list[str]:
    """What a reader of these figures must know, a sentence each.

    Args:
        comparison: From `comparison.compare`.
    """
    found = []
    if comparison["synthetic"]:
        found.append("This speech is synthetic: the figures say nothing about real voices.")
    if comparison["split_name"] == "random":
        found.append("The split is clip by clip, so these figures are too good.")
    found += absent_in_words(comparison["absent"], comparison["labels"])
    for name, run in zip(names_of(comparison), comparison["runs"], strict=True):
        for split, words in (("train", "was trained on"), ("validation", "had its epoch chosen on")):
            if seen := run["seen_speakers"].get(split):
                found.append(f"{name} {words} {seen} of these speakers, so its figures are too good.")
    return found


def difference_rows(one: Mapping[str, Any], speakers: int) -> list[tuple[str, str, str, str]]:
    """A row for each metric, and one for McNemar's test: its name, the difference, the interval and p.

    Args:
        one: An entry of `comparisons`.
        speakers: Number of speakers that were compared on.
    """
    rows = [
        (
            title,
            points(found["difference"]),
            points_interval(found["interval"], speakers),
            p_in_words(found["p_corrected"], speakers),
        )
        for key, title in _DIFFERENCES
        for found in [one["metrics"][key]]
    ]
    mcnemar = one["mcnemar"]
    alone = (
        f"{quantity(mcnemar['only_second'], 'clip')} right alone, {quantity(mcnemar['only_first'], 'clip')} wrong alone"
    )
    return [*rows, ("McNemar", alone, "", p_in_words(mcnemar["p_corrected"], speakers))]


def _against(name: str, one: Mapping[str, Any], speakers: int) -> Table:
    marked = [
        place
        for place, (key, _) in enumerate(_DIFFERENCES)
        if (p := one["metrics"][key]["p_corrected"]) is not None and p < LEVEL
    ]
    return Table(
        f"Differences of {name}", (name, "points", "95 % interval", "p"), difference_rows(one, speakers), marked
    )


def _recall(run: Mapping[str, Any], first: Mapping[str, Any], label: str) -> Piece:
    difference = "" if run is first else points(run["recalls"][label] - first["recalls"][label])
    return Value(f"{run['recalls'][label]:.1%}", difference)
