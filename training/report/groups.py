"""A run's figures for each group of speakers or clips, and for each channel."""

from collections.abc import Mapping, Sequence
from typing import Any

from data_pipeline.pages import (
    IntervalMark,
    Piece,
    Section,
    Table,
    Text,
    Value,
    interval,
    p_value,
    points,
    points_interval,
    quantity,
)
from training.evaluation.groups import LEVEL
from training.evaluation.speaker_permutations import FEWEST_SPEAKERS
from training.report.wording import p_in_words

METHOD = (
    "Intervals are 95 %, by bootstrap over speakers. A difference is the mean over emotions of the recall in the group "
    "minus that of all other clips. The p value is of a two-sided permutation test over speakers, corrected for the "
    f"number of groups of the same attribute (Holm 1979); fewer than {FEWEST_SPEAKERS} speakers cannot tell. A group "
    f"is marked where the corrected p is below {LEVEL:g}: where nothing differs, one attribute in twenty has a marked "
    "group by chance."
)


def findings(metrics: Mapping[str, Any]) -> list[str]:
    """A sentence for each group that differs beyond chance.

    Args:
        metrics: Metrics of one condition.
    """
    return [
        f"{attribute} {name}: the mean recall differs by {points(group['difference'])} points from that of the others "
        f"{points_interval(group['interval'], group['speakers'])}, beyond chance (p {p_value(group['p_corrected'])}, "
        "corrected for the number of groups)."
        for attribute, groups in metrics.get("groups", {}).items()
        for name, group in groups.items()
        if group.get("differs")
    ]


def undecidable(groups: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The groups of an attribute that have too few speakers for a difference to show.

    Args:
        groups: The groups of one attribute.
    """
    tested = [group for group in groups.values() if "p" in group]
    questions = 1 if len(groups) == 2 else len(tested)
    return [name for name, group in groups.items() if "p" not in group or group["least_p"] * questions >= LEVEL]


def nothing_found(metrics: Mapping[str, Any]) -> str:
    """A sentence for a condition without `findings`: whether groups are alike, or could not show a difference.

    Args:
        metrics: Metrics of one condition.
    """
    if all(len(undecidable(groups)) == len(groups) for groups in metrics["groups"].values()):
        return "Too few speakers to tell whether any group differs from the others."
    return "No group differs from the others beyond chance."


def groups_content(metrics: Mapping[str, Any]) -> list[Piece]:
    """Tables of the groups of one condition; nothing where no groups are known.

    Args:
        metrics: Metrics of the condition.
    """
    if not metrics.get("groups"):
        return []
    warnings = findings(metrics)
    content: list[Piece] = [Text("By group", "heading"), *(Text(warning, "notice") for warning in warnings)]
    if not warnings:
        content.append(nothing_found(metrics))
    content.append(
        Text(f"{METHOD} The drawings show the UA between 0 and 100 %; the dashed line is that of all clips.", "quiet")
    )
    for attribute, groups in metrics["groups"].items():
        content += _attribute(attribute, groups, metrics)
    return content


def _attribute(attribute: str, groups: Mapping[str, Mapping[str, Any]], metrics: Mapping[str, Any]) -> list[Piece]:
    rows = [
        (
            name,
            f"{group['clips']:,}",
            f"{group['speakers']:,}",
            _with_interval(group, "wa"),
            _with_interval(group, "ua"),
            IntervalMark(group["ua"], group["ua_interval"], metrics["ua"]),
            *_difference(group),
        )
        for name, group in groups.items()
    ]
    header = (attribute, "clips", "speakers", "WA", "UA", "", "difference, points", "p")
    marked = [place for place, group in enumerate(groups.values()) if group.get("differs")]
    outside = metrics["clips"] - sum(group["clips"] for group in groups.values())
    notes = []
    if outside:
        notes.append(f"Not in the table: {quantity(outside, 'clip')} of unknown groups or of groups too small to show.")
    if few := undecidable(groups):
        notes.append(f"Too few speakers to tell whether it differs: {', '.join(few)}.")
    table = Table(f"Figures by {attribute}", header, rows, marked)
    return [table, Text(" ".join(notes), "quiet")] if notes else [table]


def _difference(group: Mapping[str, Any]) -> tuple[Piece, Piece]:
    if "p" not in group:
        return "–", "–"
    return _with_ends(group, group["speakers"]), p_value(group["p_corrected"])


def channels_sections(conditions: Sequence[Mapping[str, Any]]) -> list[Section]:
    """A table of the channels that the same clips went through; nothing where there is only one.

    Args:
        conditions: Metrics of all conditions of a run.
    """
    alike: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for one in conditions:
        alike.setdefault((one["split"], one["measured_against"], one["fingerprint"]), []).append(one)
    header = ("channel", "WA", "UA", "", "UA against clean, points", "p")
    tables = [
        Table(
            "Figures by channel",
            header,
            [
                (
                    one["condition"],
                    _with_interval(one, "wa"),
                    _with_interval(one, "ua"),
                    IntervalMark(one["ua"], one["ua_interval"], same[0]["ua"]),
                    *_against_clean(one),
                )
                for one in same
            ],
        )
        for same in alike.values()
        if len(same) > 1
    ]
    method = Text(
        "Against clean: the difference on the same clips, with its 95 % interval by paired bootstrap over speakers. "
        "The p is two-sided, by exchanging the channels' answers speaker by speaker (sign-flip test); fewer than "
        f"{FEWEST_SPEAKERS} speakers cannot tell.",
        "quiet",
    )
    return [Section("By channel", (*tables, method), link="by channel")] if tables else []


def _against_clean(metrics: Mapping[str, Any]) -> tuple[Piece, Piece]:
    if "against_clean" not in metrics:
        return "–", "–"
    found = metrics["against_clean"]["metrics"]["ua"]
    return _with_ends(found, metrics["speakers"]), p_in_words(found["p"], metrics["speakers"])


def _with_interval(figures: Mapping[str, Any], key: str) -> Piece:
    return Value(f"{figures[key]:.1%}", interval(figures[f"{key}_interval"], figures["speakers"]))


def _with_ends(found: Mapping[str, Any], speakers: int) -> Piece:
    return Value(points(found["difference"]), points_interval(found["interval"], speakers))
