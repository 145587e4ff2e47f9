"""The sides of a split as people name them, and those that clips state themselves."""

from collections.abc import Sequence

from data_pipeline.clip import Clip
from data_pipeline.errors import UserError
from data_pipeline.side import SIDES, Side

_WORDS: dict[str, Side] = {
    **{side: side for side in SIDES},
    **dict.fromkeys(("dev", "val", "valid", "eval"), "validation"),
}


def side_named(word: str) -> Side | None:
    """The side that a word means, in any case; None if it means none."""
    return _WORDS.get(word.lower())


def stated_sides(clips: Sequence[Clip]) -> dict[str, Side]:
    """The sides that clips of one's own recordings state.

    Args:
        clips: All of one corpus.

    Returns:
        The side of each of their speakers; nothing if no clip states one.

    Raises:
        UserError: If they put a speaker on two sides, or on none while others have one.
    """
    first: dict[str, tuple[Side, Clip]] = {}
    for clip in clips:
        if clip.side is None:
            continue
        side, other = first.setdefault(clip.speaker, (clip.side, clip))
        if side != clip.side:
            raise UserError(
                f"the speaker {clip.speaker!r} is on two sides of the split, {side} ({other.file.location}) and "
                f"{clip.side} ({clip.file.location}): put every speaker on one"
            )
    missing = next((clip for clip in clips if clip.speaker not in first), None) if first else None
    if missing is not None:
        side, example = next(iter(first.values()))
        raise UserError(
            f"{example.file.location} is put on the side {side} and {missing.file.location} (speaker "
            f"{missing.speaker!r}) on none: name a side for every speaker, or for none"
        )
    return {speaker: side for speaker, (side, _) in first.items()}
