"""Runs side by side, on the terminal and as a page."""

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from data_pipeline.storage.atomic_file import write_text
from training.evaluation.groups import LEVEL
from training.report.range_mark import range_mark
from training.report.style import page, table
from training.report.wording import MAIN, interval, p_value, points, points_interval, split_in_words

METHOD = (
    "Differences are the run's figure less the first run's, on the same clips, with 95 % intervals by paired bootstrap "
    "over speakers. McNemar's test counts the clips that only one of the two has right; it takes clips for "
    "independent, so that its p is too small where speakers differ: go by the intervals. Every p is corrected for the "
    f"number of runs compared (Holm 1979); a difference is marked where it is below {LEVEL:g}."
)

_DIFFERENCES = (("wa", "WA"), ("ua", "UA"), ("macro_f1", "macro-F1"))


def show(comparison: Mapping[str, Any], console: Console | None = None) -> None:
    """Print a comparison.

    Args:
        comparison: From `compare.compare`.
        console: Where to; the terminal by default.
    """
    console = console or Console(highlight=False)
    console.print(
        f"\n[bold]{comparison['condition']}[/] of {', '.join(comparison['corpora'])}: {comparison['clips']} clips of "
        f"{comparison['speakers']} speakers, split {split_in_words(comparison)}"
    )
    names = names_of(comparison)
    figures = Table("run", *(title for _, title in MAIN))
    for name, run in zip(names, comparison["runs"], strict=True):
        figures.add_row(name, *(f"{run[key]:.1%} {interval(run[f'{key}_interval'])}" for key, _ in MAIN))
    console.print(figures)
    for name, one in zip(names[1:], comparison["comparisons"], strict=True):
        differences = Table(f"{name} against {names[0]}", "points", "95 % interval", "p")
        for key, title in _DIFFERENCES:
            found = one["metrics"][key]
            differences.add_row(
                title, points(found["difference"]), points_interval(found["interval"]), p_value(found["p_corrected"])
            )
        differences.add_row("McNemar", _only(one["mcnemar"]), "", p_value(one["mcnemar"]["p_corrected"]))
        console.print(differences)
    for notice in comparison_notices(comparison):
        console.print(f"[yellow]note:[/] {notice}")


def write(comparison: Mapping[str, Any], path: Path) -> None:
    """Write a comparison as a page.

    Args:
        comparison: From `compare.compare`.
        path: Of the page.
    """
    names = [html.escape(name) for name in names_of(comparison)]
    first = comparison["runs"][0]
    figures = [
        [
            name,
            html.escape(run["family"]),
            *(f"{run[key]:.1%} <small>{interval(run[f'{key}_interval'])}</small>" for key, _ in MAIN),
            range_mark(run["ua"], run["ua_interval"], first["ua"]),
        ]
        for name, run in zip(names, comparison["runs"], strict=True)
    ]
    labels = comparison["labels"]
    recalls = [
        [name, *(_recall(run, first, label) for label in labels)]
        for name, run in zip(names, comparison["runs"], strict=True)
    ]
    parts = [
        f"<p>{comparison['clips']:,} clips of {comparison['speakers']:,} speakers of "
        f"{html.escape(', '.join(comparison['corpora']))}, split {html.escape(split_in_words(comparison))}.</p>",
        *(f"<p class=notice>{html.escape(notice)}</p>" for notice in comparison_notices(comparison)),
        "<h2>Figures</h2>",
        table(["run", "family", *(title for _, title in MAIN), "UA"], figures),
        f"<h2>Against {names[0]}</h2>",
        *(_against(name, one) for name, one in zip(names[1:], comparison["comparisons"], strict=True)),
        f"<p class=quiet>{METHOD}</p>",
        "<h2>Recall of each emotion</h2>",
        table(["run", *map(html.escape, labels)], recalls),
    ]
    write_text(path, page(f"{len(names)} runs, {comparison['condition']}", parts))


def names_of(comparison: Mapping[str, Any]) -> list[str]:
    """What the runs are called: their folders' names, or their paths where names are alike."""
    folders = [run["folder"] for run in comparison["runs"]]
    names = [Path(folder).name for folder in folders]
    return names if len(set(names)) == len(names) else folders


def comparison_notices(comparison: Mapping[str, Any]) -> list[str]:
    """What a reader of these figures must know, a sentence each."""
    found = []
    if comparison["synthetic"]:
        found.append("This speech is synthetic: the figures say nothing about real voices.")
    if comparison["split_name"] == "random":
        found.append("The split is clip by clip, so that these figures flatter.")
    for name, run in zip(names_of(comparison), comparison["runs"], strict=True):
        for side, words in (("train", "was trained on"), ("validation", "had its epoch chosen on")):
            if seen := run["seen_speakers"].get(side):
                found.append(f"{name} {words} {seen} of these speakers, which flatters it.")
    return found


def _against(name: str, one: Mapping[str, Any]) -> str:
    rows = [
        [
            title,
            points(found["difference"]),
            points_interval(found["interval"]),
            html.escape(p_value(found["p_corrected"])),
        ]
        for key, title in _DIFFERENCES
        for found in [one["metrics"][key]]
    ]
    marked = [one["metrics"][key]["p_corrected"] < LEVEL for key, _ in _DIFFERENCES]
    rows.append(["McNemar", _only(one["mcnemar"]), "", html.escape(p_value(one["mcnemar"]["p_corrected"]))])
    return table([name, "points", "95 % interval", "p"], rows, [*marked, False])


def _only(mcnemar: Mapping[str, Any]) -> str:
    return f"{mcnemar['only_second']} right alone, {mcnemar['only_first']} wrong alone"


def _recall(run: Mapping[str, Any], first: Mapping[str, Any], label: str) -> str:
    figure = f"{run['recalls'][label]:.1%}"
    return (
        figure if run is first else f"{figure} <small>{points(run['recalls'][label] - first['recalls'][label])}</small>"
    )
