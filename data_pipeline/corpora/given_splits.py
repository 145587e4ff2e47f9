"""The splits as people name them, and those that clips state themselves."""

from collections.abc import Sequence

from data_pipeline.clip import Clip
from data_pipeline.errors import UserError
from data_pipeline.splits import SPLITS, SplitName

_WORDS: dict[str, SplitName] = {
    **{split: split for split in SPLITS},
    **dict.fromkeys(("dev", "val", "valid", "eval"), "validation"),
}


def split_named(word: str) -> SplitName | None:
    """The split that a word means, in any case; None if it means none."""
    return _WORDS.get(word.lower())


def given_splits(clips: Sequence[Clip]) -> dict[str, SplitName]:
    """The splits that clips of one's own recordings state.

    Args:
        clips: All of one corpus.

    Returns:
        The split of each of their speakers; nothing if no clip states one.

    Raises:
        UserError: If they put a speaker in two splits, or in none while others have one.
    """
    first: dict[str, tuple[SplitName, Clip]] = {}
    for clip in clips:
        if clip.split is None:
            continue
        split, other = first.setdefault(clip.speaker, (clip.split, clip))
        if split != clip.split:
            raise UserError(
                f"the speaker {clip.speaker!r} is in two splits, {split} ({other.file.location}) and "
                f"{clip.split} ({clip.file.location}): put every speaker in one"
            )
    missing = next((clip for clip in clips if clip.speaker not in first), None) if first else None
    if missing is not None:
        split, example = next(iter(first.values()))
        raise UserError(
            f"{example.file.location} is put in the split {split} and {missing.file.location} (speaker "
            f"{missing.speaker!r}) in none: name a split for every speaker, or for none"
        )
    return {speaker: split for speaker, (split, _) in first.items()}
