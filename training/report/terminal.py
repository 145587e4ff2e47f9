"""Tables on the terminal: a run's metrics, runs side by side, the members of an ensemble."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from data_pipeline.pages import interval
from training.report import ensemble
from training.report.comparison import comparison_notices, difference_rows, names_of
from training.report.groups import findings
from training.report.page import CLASSES, class_rows, clips_in_words
from training.report.wording import MAIN, notices, split_in_words
from training.run.folder import Run

_MEMBERS = tuple(map(ensemble.HEADER.index, ("", "weight", "WA", "UA")))
"""As many columns as 80 characters have room for; the page has all."""


def show(metrics: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the metrics of one condition.

    Args:
        metrics: From `evaluate.evaluate`.
        console: Where to print; the terminal by default.
    """
    console = console or Console(highlight=False)
    _print_title(metrics, console)
    console.print(
        "   ".join(
            f"{title} [bold]{metrics[key]:.1%}[/] {interval(metrics[f'{key}_interval'], metrics['speakers'])}"
            for key, title in MAIN
        )
    )
    table = Table(*CLASSES)
    for row in class_rows(metrics):
        table.add_row(*row)
    console.print(table)
    table = Table(f"{metrics['measured_against']} \\ answered", *metrics["labels"])
    for label, counts in zip(metrics["labels"], metrics["confusion"], strict=True):
        table.add_row(label, *map(str, counts))
    console.print(table)
    _print_notes(notices(metrics) + findings(metrics), console)


def show_comparison(comparison: Mapping[str, Any], console: Console | None = None) -> None:
    """Print a comparison.

    Args:
        comparison: From `comparison.compare`.
        console: Where to print; the terminal by default.
    """
    console = console or Console(highlight=False)
    _print_title(comparison, console)
    names, speakers = names_of(comparison), comparison["speakers"]
    table = Table("run", *(title for _, title in MAIN))
    for name, run in zip(names, comparison["runs"], strict=True):
        table.add_row(name, *(f"{run[key]:.1%} {interval(run[f'{key}_interval'], speakers)}" for key, _ in MAIN))
    console.print(table)
    for name, one in zip(names[1:], comparison["comparisons"], strict=True):
        table = Table(f"{name} against {names[0]}", "points", "95 % interval", "p")
        for row in difference_rows(one, speakers):
            table.add_row(*row)
        console.print(table)
    _print_notes(comparison_notices(comparison), console)


def show_members(run: Run, figures: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the members of an ensemble beside the ensemble.

    Args:
        run: The ensemble.
        figures: From `OutOfFold.figures`.
        console: Where to print; the terminal by default.
    """
    console = console or Console(highlight=False)
    console.print(f"\n{ensemble.method(figures)}")
    table = Table(*(ensemble.HEADER[column] for column in _MEMBERS))
    for row in ensemble.member_rows(run, figures):
        table.add_row(*(row[column] for column in _MEMBERS))
    console.print(table)
    _print_notes(ensemble.findings(run, figures), console)


def _print_title(figures: Mapping[str, Any], console: Console) -> None:
    console.print(
        f"\n[bold]{figures['condition']}[/] of {', '.join(figures['corpora'])}: {clips_in_words(figures)}, split "
        f"{split_in_words(figures['split_name'], figures['speakers_unknown'])}"
    )


def _print_notes(sentences: list[str], console: Console) -> None:
    for sentence in sentences:
        console.print(f"[yellow]note:[/] {sentence}")
