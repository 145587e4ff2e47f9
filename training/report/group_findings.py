"""Which groups a run is better or worse for, in sentences."""

from collections.abc import Mapping
from typing import Any

from training.evaluation.groups import LEVEL
from training.report.wording import p_value, points, points_interval

METHOD = (
    "Intervals are 95 %, by bootstrap over speakers. A difference is the mean over emotions of the recall in the group "
    "less that of all other clips; p is of a permutation test over speakers, corrected for the number of groups of the "
    f"same attribute (Holm 1979). A group is marked where the corrected p is below {LEVEL:g}: where nothing differs, "
    "one attribute in twenty has a marked group by chance."
)


def findings(metrics: Mapping[str, Any]) -> list[str]:
    """A sentence for each group that differs beyond chance.

    Args:
        metrics: Of one condition.
    """
    return [
        f"{attribute} {name}: the mean recall is {points(group['difference'])} points from that of the others "
        f"{points_interval(group['interval'])}, beyond chance (p {p_value(group['p_corrected'])}, corrected for the "
        f"number of groups)."
        for attribute, groups in metrics.get("groups", {}).items()
        for name, group in groups.items()
        if group.get("differs")
    ]


def undecidable(groups: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The groups of an attribute that have too few speakers for a difference to show.

    Args:
        groups: Of one attribute.
    """
    tested = [group for group in groups.values() if "p" in group]
    questions = 1 if len(groups) == 2 else len(tested)
    return [name for name, group in groups.items() if "p" not in group or group["least_p"] * questions >= LEVEL]
