"""Words in the place of a speaker's name that say that nobody knows it.

Taken for names they would make one person of all speakers who are unknown, and every split would share that person.
"""

from collections import Counter
from collections.abc import Iterable

NO_VALUE = frozenset({"nan", "NaN", "None", "<NA>"})
"""What Python, NumPy and pandas write for a missing value. In this spelling only: Nan is a name."""

_DOUBTFUL = frozenset(
    (
        *("nan", "none", "null", "nil", "n/a", "na", "#n/a", "-", "--", "–", "—", "?", "unknown", "unk", "undefined"),
        *("not known", "not available", "missing", "anonymous"),
    )
)
"""Words, in lower case, that may be a name but hardly are."""


def doubtful_speakers(speakers: Iterable[str]) -> list[str]:
    """A warning for each speaker whose name says that nobody knows it.

    Args:
        speakers: The speaker of each clip that names one. Of folders, joined by `/`, each is looked at.

    Returns:
        Sentences, with the number of the clips.
    """
    return [
        f"{speaker!r} counts as one person, who speaks {count:,} clip{'' if count == 1 else 's'}: "
        "where nobody knows the speaker, leave the name away"
        for speaker, count in sorted(Counter(speakers).items())
        if any(part.strip().lower().replace("_", " ") in _DOUBTFUL for part in (speaker, *speaker.split("/")))
    ]
