"""An ensemble's members, and what they achieve together."""

from collections.abc import Mapping
from typing import Any

from data_pipeline.pages import Section, Table, Text, interval, points, points_interval, quantity
from training.ensemble.out_of_fold import EQUAL, TOGETHER, idle
from training.report.wording import MAIN
from training.run.folder import Run

HEADER = ("", "family", "temperature", "weight", *(title for _, title in MAIN))
"""Titles of the columns of `member_rows`."""


def members_section(run: Run, figures: Mapping[str, Any]) -> Section:
    """The section of a report about the members.

    Args:
        run: The ensemble.
        figures: From `OutOfFold.figures`.
    """
    notes = (Text(sentence, "notice") for sentence in findings(run, figures))
    return Section(
        "Members", (method(figures), Table("Members", HEADER, member_rows(run, figures)), *notes), link="members"
    )


def member_rows(run: Run, figures: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row for each member, and one each for equal and for fitted weights, under `HEADER`.

    Args:
        run: The ensemble.
        figures: From `OutOfFold.figures`.
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


def method(figures: Mapping[str, Any]) -> str:
    """Which clips were answered by which models, in a sentence.

    Args:
        figures: From `OutOfFold.figures`.
    """
    return (
        f"{quantity(figures['clips'], 'clip')} of {quantity(figures['speakers'], 'training speaker')}, in "
        f"{quantity(figures['folds'], 'fold')}: each clip was answered by trainings without its speaker, and by the "
        "ensemble with weights fitted on the other folds."
    )


def findings(run: Run, figures: Mapping[str, Any]) -> list[str]:
    """What a reader should know about the weights, a sentence each.

    Args:
        run: The ensemble.
        figures: From `OutOfFold.figures`.
    """
    model = run.config["model"]
    weights = {member["name"]: member["weight"] for member in model["members"]}
    best, against = figures["best"], figures["against_best"]["metrics"]["ua"]
    found = [
        f"Against {best}, the best member alone, the ensemble's UA differs by {points(against['difference'])} points "
        f"{points_interval(against['interval'], figures['speakers'])}."
    ]
    if model["biases"]:
        biases = ", ".join(f"{label} {bias:+.2f}" for label, bias in model["biases"].items())
        found.append(f"Biases: {biases}.")
    found += [f"{name} adds nothing to the others: an ensemble without it is cheaper." for name in idle(weights)]
    return found


def _figure(measured: Mapping[str, Any], key: str) -> str:
    return f"{measured[key]:.1%} {interval(measured[f'{key}_interval'], measured['speakers'])}"
