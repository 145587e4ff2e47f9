"""An ensemble's members and what they are worth together, on the terminal, on a page and in a model card."""

import html
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from training.ensemble.out_of_fold import EQUAL, TOGETHER, idle
from training.report.style import table
from training.report.wording import MAIN, interval, points, points_interval
from training.run.folder import Run

HEADER = ("", "family", "temperature", "weight", *(title for _, title in MAIN))
"""What the columns of `member_rows` are called."""

_ON_TERMINAL = tuple(map(HEADER.index, ("", "weight", "WA", "UA")))
"""As many of them as 80 characters have room for; the page has all."""


def show(run: Run, figures: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the members beside the ensemble.

    Args:
        run: The ensemble.
        figures: From `OutOfFold.figures`.
        console: Where to; the terminal by default.
    """
    console = console or Console(highlight=False)
    console.print(f"\n{heard(figures)}")
    drawn = Table(*(HEADER[column] for column in _ON_TERMINAL))
    for row in member_rows(run, figures):
        drawn.add_row(*(row[column] for column in _ON_TERMINAL))
    console.print(drawn)
    for sentence in findings(run, figures):
        console.print(f"[yellow]note:[/] {sentence}")


def members_section(run: Run, figures: Mapping[str, Any]) -> list[str]:
    """The part of a page that shows the same.

    Args:
        run: The ensemble.
        figures: See `show`.
    """
    rows = [[html.escape(cell) for cell in row] for row in member_rows(run, figures)]
    return [
        "<h2 id=members>Members</h2>",
        f"<p>{html.escape(heard(figures))}</p>",
        table(HEADER, rows),
        *(f"<p class=notice>{html.escape(sentence)}</p>" for sentence in findings(run, figures)),
    ]


def member_rows(run: Run, figures: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row of text a member, and one each for equal and for fitted weights, under `HEADER`.

    Args:
        run: The ensemble.
        figures: See `show`.
    """
    told = {
        member["name"]: (
            member["config"]["model"]["family"],
            f"{member['temperature']:.3f}",
            f"{member['weight']:.3f}",
        )
        for member in run.config["model"]["members"]
    }
    told |= {EQUAL: ("", "", f"{1 / len(told):.3f}"), TOGETHER: ("", "", "")}
    return [
        (name, *words, *(_figure(figures["measured"][name], key) for key, _ in MAIN)) for name, words in told.items()
    ]


def heard(figures: Mapping[str, Any]) -> str:
    """Who was asked about, and by whom."""
    return (
        f"{figures['clips']:,} clips of {figures['speakers']} training speakers, in {figures['folds']} folds: each "
        "answered by trainings that had not heard the speaker, the ensemble with weights fitted on other folds."
    )


def findings(run: Run, figures: Mapping[str, Any]) -> list[str]:
    """What to know of the weights, a sentence each.

    Args:
        run: The ensemble.
        figures: See `show`.
    """
    model = run.config["model"]
    weights = {member["name"]: member["weight"] for member in model["members"]}
    best, against = figures["best"], figures["against_best"]["metrics"]["ua"]
    found = [
        f"Against {best}, the best member alone, the ensemble's UA is {points(against['difference'])} points "
        f"{points_interval(against['interval'])}."
    ]
    if model["biases"]:
        biases = ", ".join(f"{label} {bias:+.2f}" for label, bias in model["biases"].items())
        found.append(f"Biases: {biases}.")
    found += [f"{name} adds nothing to the others: an ensemble without it is cheaper." for name in idle(weights)]
    return found


def _figure(measured: Mapping[str, Any], key: str) -> str:
    return f"{measured[key]:.1%} {interval(measured[f'{key}_interval'])}"
