"""Metrics of a run for groups of clips: women and men, ages, sentences, whatever the corpus knows of its clips."""

from collections.abc import Mapping, Sequence

import numpy as np

from training.evaluation import metrics
from training.evaluation.group_difference import group_difference
from training.evaluation.paired import holm
from training.evaluation.speaker_permutations import FEWEST_SPEAKERS

FEWEST_CLIPS = 10
"""Smallest number of clips of a group; smaller groups are left out, since their metrics say little."""

MOST_GROUPS = 24
"""Largest number of groups of an attribute; more cannot be read, so the smallest ones are left out."""

LEVEL = 0.05
"""A group counts as different if its corrected p is below this level."""

_AGE_BANDS = ((30, "under 30"), (45, "30 to 44"), (60, "45 to 59"))
OLDEST = "60 and older"

_ORDER = ("low", "medium", "normal", "high", "strong", "unspecified", *(name for _, name in _AGE_BANDS), OLDEST)
"""Order of the groups that have a natural one; other groups are in alphabetical order."""

_FIELDS = ("corpus", "sex", "race", "ethnicity", "intensity", "sentence")


def attributes(known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The attributes by which clips are grouped.

    Args:
        known: From `input_pipeline.descriptions`.

    Returns:
        For each attribute strings [clips], empty where nothing is known.
    """
    columns = {name: np.asarray(known[name], np.str_) for name in _FIELDS}
    return {
        "corpus": columns.pop("corpus"),
        "sex": columns.pop("sex"),
        "age": np.array([age_band(int(age)) for age in known["age"]], np.str_),
        **columns,
    }


def age_band(age: int, oldest: str = OLDEST) -> str:
    """The age band of a speaker.

    Args:
        age: In years; -1 if it is unknown, which gives an empty string.
        oldest: Name of the highest band.
    """
    if age < 0:
        return ""
    return next((name for limit, name in _AGE_BANDS if age < limit), oldest)


def by_attribute(
    probabilities: np.ndarray,
    truth: np.ndarray,
    speakers: np.ndarray,
    columns: Mapping[str, np.ndarray],
    labels: Sequence[str],
) -> dict[str, dict[str, dict]]:
    """Metrics of every group, and whether it differs from the other clips whose attribute is known.

    Args:
        probabilities: float [clips, classes].
        truth: int [clips], index of the right class.
        speakers: [clips], who speaks.
        columns: From `attributes`.
        labels: Names of the classes.

    Returns:
        For each attribute with two groups or more, by group: `clips`, `speakers`, `wa`, `ua` (over the emotions that
        the group has) and `wa_interval`, `ua_interval` (None for a single speaker). If the group can be compared, and
        by five speakers or more, also `difference`: its mean recall minus that of the others (see `group_difference`),
        its `interval`, `p`, `p_corrected` for the number of groups of the attribute (Holm), `least_p`, and `differs`:
        whether the corrected p is below 0.05.
    """
    right = probabilities.argmax(1) == truth
    found = {}
    for name, values in columns.items():
        groups = _groups(values)
        if len(groups) < 2:
            continue
        known = np.isin(values, groups)
        differences = _differences(right[known], truth[known], speakers[known], values[known], groups)
        found[name] = {
            group: {
                **_metrics(probabilities[values == group], truth[values == group], speakers[values == group], labels),
                **differences.get(group, {}),
            }
            for group in groups
        }
    return found


def _groups(values: np.ndarray) -> list[str]:
    """The groups that are large enough, or the largest ones if there are too many, in their order."""
    names, clips = np.unique(values[values != ""], return_counts=True)
    large = [(-count, str(name)) for name, count in zip(names, clips, strict=True) if count >= FEWEST_CLIPS]
    chosen = (name for _, name in sorted(large)[:MOST_GROUPS])
    return sorted(chosen, key=lambda name: (_ORDER.index(name) if name in _ORDER else -1, name))


def _metrics(probabilities: np.ndarray, truth: np.ndarray, speakers: np.ndarray, labels: Sequence[str]) -> dict:
    measured = metrics.compute_metrics(probabilities, truth, speakers, labels)
    return {name: measured[name] for name in ("clips", "speakers", "wa", "ua", "wa_interval", "ua_interval")}


def _differences(
    right: np.ndarray, truth: np.ndarray, speakers: np.ndarray, values: np.ndarray, groups: Sequence[str]
) -> dict[str, dict]:
    """The difference of each group that can be compared with the others."""
    compared = {group: group_difference(right, truth, speakers, values == group) for group in groups}
    tested = {group: one for group, one in compared.items() if one is not None and one.speakers >= FEWEST_SPEAKERS}
    values_of_p = [difference.p for difference in tested.values()]
    # With two groups, each is the other's complement, so there is one test only.
    corrected = values_of_p if len(groups) == 2 else holm(values_of_p)
    return {
        group: {
            "difference": difference.difference,
            "interval": list(difference.interval),
            "p": difference.p,
            "p_corrected": p_corrected,
            "least_p": difference.least_p,
            "differs": p_corrected < LEVEL,
        }
        for (group, difference), p_corrected in zip(tested.items(), corrected, strict=True)
    }
