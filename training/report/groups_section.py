"""The part of a page that shows a run's figures by group, and by channel."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from training.report.group_findings import METHOD, findings, undecidable
from training.report.range_mark import range_mark
from training.report.style import table
from training.report.wording import p_value, points, points_interval


def groups_section(metrics: Mapping[str, Any]) -> list[str]:
    """Tables of the groups of one condition; nothing where its clips know of none.

    Args:
        metrics: Of the condition.
    """
    if not metrics.get("groups"):
        return []
    warnings = findings(metrics)
    return [
        "<h3>By group</h3>",
        *(f"<p class=notice>{html.escape(warning)}</p>" for warning in warnings),
        *([] if warnings else ["<p>No group differs from the others beyond chance.</p>"]),
        f"<p class=quiet>{METHOD} The drawings show the UA between 0 and 100 %, dashed that of all clips.</p>",
        *(_attribute(name, groups, metrics) for name, groups in metrics["groups"].items()),
    ]


def _attribute(attribute: str, groups: Mapping[str, Mapping[str, Any]], metrics: Mapping[str, Any]) -> str:
    rows = [
        [
            html.escape(name),
            f"{group['clips']:,}",
            f"{group['speakers']:,}",
            _with_interval(group, "wa"),
            _with_interval(group, "ua"),
            range_mark(group["ua"], group["ua_interval"], metrics["ua"]),
            *_difference(group),
        ]
        for name, group in groups.items()
    ]
    header = [html.escape(attribute), "clips", "speakers", "WA", "UA", "", "difference, points", "p"]
    marked = [bool(group.get("differs")) for group in groups.values()]
    outside = metrics["clips"] - sum(group["clips"] for group in groups.values())
    notes = []
    if outside:
        notes.append(f"{outside:,} clips are in none of these: unknown, or of a group too small to show.")
    if few := undecidable(groups):
        notes.append(f"Too few speakers to tell whether it differs: {html.escape(', '.join(few))}.")
    told = f"<p class=quiet>{' '.join(notes)}</p>" if notes else ""
    return table(header, rows, marked) + told


def _difference(group: Mapping[str, Any]) -> list[str]:
    if "p" not in group:
        return ["–", "–"]
    return [_difference_in_words(group), _p(group["p_corrected"])]


def channels_section(conditions: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of the channels through which the same clips were heard; nothing where there is but one.

    Args:
        conditions: Metrics of all conditions of a run.
    """
    parts = []
    sides = dict.fromkeys(
        (metrics["split"], metrics["measured_against"], metrics["fingerprint"]) for metrics in conditions
    )
    for side in sides:
        same = [one for one in conditions if (one["split"], one["measured_against"], one["fingerprint"]) == side]
        if len(same) < 2:
            continue
        rows = [
            [
                html.escape(one["condition"]),
                _with_interval(one, "wa"),
                _with_interval(one, "ua"),
                range_mark(one["ua"], one["ua_interval"], same[0]["ua"]),
                *_against_clean(one),
            ]
            for one in same
        ]
        parts.append(table(["channel", "WA", "UA", "", "UA against clean, points", "p"], rows))
    if not parts:
        return []
    return [
        "<h2 id=channels>By channel</h2>",
        *parts,
        "<p class=quiet>Against clean: on the same clips, paired bootstrap over speakers.</p>",
    ]


def _against_clean(metrics: Mapping[str, Any]) -> list[str]:
    if "against_clean" not in metrics:
        return ["–", "–"]
    found = metrics["against_clean"]["metrics"]["ua"]
    return [_difference_in_words(found), _p(found["p"])]


def _with_interval(figures: Mapping[str, Any], key: str) -> str:
    ends = figures[f"{key}_interval"]
    between = f" <small>{100 * ends[0]:.1f} to {100 * ends[1]:.1f}</small>" if ends else ""
    return f"{figures[key]:.1%}{between}"


def _difference_in_words(found: Mapping[str, Any]) -> str:
    return f"{points(found['difference'])} <small>{points_interval(found['interval'])}</small>"


def _p(value: float) -> str:
    return html.escape(p_value(value))
