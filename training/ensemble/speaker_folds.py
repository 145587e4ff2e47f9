from collections.abc import Mapping

import numpy as np

from data_pipeline.errors import UserError


def speaker_folds(sexes: Mapping[str, str], count: int, seed: int) -> dict[str, int]:
    """Speakers dealt to folds, women and men one after the other, so that every fold gets its share of each.

    What they said, and how well it was recognised, plays no part.

    Args:
        sexes: The sex of each speaker, or an empty string; the speakers' order does not matter.
        count: How many folds there are, two or more.
        seed: Of the order in which speakers are dealt.

    Returns:
        The fold of each, from 1.

    Raises:
        UserError: If there are fewer than two folds, or fewer speakers than folds.
    """
    if not 2 <= count <= len(sexes):
        raise UserError(f"{len(sexes)} speakers cannot be dealt to {count} folds: choose from 2 to as many as speakers")
    # numpy promises never to change RandomState's stream (NEP 19), so that folds stay what they were.
    random = np.random.RandomState(seed)
    dealt: list[str] = []
    for sex in sorted(set(sexes.values())):
        stratum = sorted(speaker for speaker in sexes if sexes[speaker] == sex)
        random.shuffle(stratum)
        dealt += stratum
    return {speaker: 1 + place % count for place, speaker in enumerate(dealt)}
