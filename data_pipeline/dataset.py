"""A prepared dataset on disk: `dataset.json` and the record shards that it names."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_pipeline.errors import UserError

FORMAT = 2
"""Version of the layout of `dataset.json`; any other is refused."""

ALL = "all"
"""Name that stands for all splits together."""


@dataclass(frozen=True, slots=True)
class Split:
    """One split of a dataset.

    Attributes:
        clips: Number of clips.
        seconds: Seconds of audio.
        speakers: Sorted identifiers of the speakers, each `corpus/speaker`.
        emotions: Number of clips of each emotion that occurs.
        shards: File names of the shards in the folder of the dataset, in order.
        shard_bytes: Size of each shard in bytes, by its name.
        voted: Number of clips with listeners' votes.
    """

    clips: int
    seconds: float
    speakers: tuple[str, ...]
    emotions: dict[str, int]
    shards: tuple[str, ...]
    shard_bytes: dict[str, int]
    voted: int

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Split":
        """The inverse of `to_json`.

        Raises:
            KeyError: If a field is missing; `AttributeError`, `TypeError` or `ValueError` if one is garbled.
        """
        return cls(
            clips=content["clips"],
            seconds=content["seconds"],
            speakers=tuple(content["speakers"]),
            emotions=content["emotions"],
            shards=tuple(content["shards"]),
            shard_bytes=dict(content["shard_bytes"]),
            voted=content["clips_with_votes"],
        )

    def to_json(self) -> dict[str, Any]:
        """The entry of the split in `dataset.json`."""
        return {
            "clips": self.clips,
            "seconds": self.seconds,
            "speakers": list(self.speakers),
            "clips_with_votes": self.voted,
            "emotions": self.emotions,
            "shards": list(self.shards),
            "shard_bytes": self.shard_bytes,
        }


@dataclass(frozen=True, slots=True)
class Dataset:
    """A prepared dataset, as `dataset.json` describes it.

    Attributes:
        folder: Folder of the dataset.
        emotions: Emotions that its clips are labelled with, in the order of `EMOTIONS`.
        corpora: Names of its corpora.
        speakers_unknown: Number of clips whose speaker is unknown. Each file counts as a speaker, so a person may be in
            two splits, and every report must say so.
        synthetic: Whether any of its speech is made by a machine; every report made from it must say so.
        split_kind: Kind of its split (`speaker`, `random`, `fold:K/N`).
        fingerprint: Hex digest of all records; equal data has equal fingerprints.
        splits: Splits by name (`train`, `validation`, `test`); a split without clips is left out.
    """

    folder: Path
    emotions: tuple[str, ...]
    corpora: tuple[str, ...]
    speakers_unknown: int
    synthetic: bool
    split_kind: str
    fingerprint: str
    splits: dict[str, Split]

    @classmethod
    def open(cls, folder: Path) -> "Dataset":
        """Read `folder/dataset.json`.

        Raises:
            UserError: If the folder holds no prepared dataset or an unreadable one, or if one of its shards is
                missing or not of its size.
        """
        path = Path(folder) / "dataset.json"
        if not path.is_file():
            raise UserError(f"{folder} holds no prepared dataset (no dataset.json): run `ser data prepare` first")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror}): check who may read it") from error
        # For text that is not JSON, and for bytes that are not UTF-8.
        except ValueError as error:
            raise UserError(f"{path} is not JSON ({error}): prepare the dataset again") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise UserError(f"{path} is not a dataset of format {FORMAT}: prepare it again with this version")
        try:
            dataset = cls.from_json(path.parent, content)
        except KeyError as error:
            raise UserError(f"{path} lacks the field {error}: prepare the dataset again") from error
        except (AttributeError, TypeError, ValueError) as error:
            raise UserError(f"{path} is garbled ({error}): prepare the dataset again") from error
        for split in dataset.splits.values():
            _check_shards(path.parent, split)
        return dataset

    @classmethod
    def from_json(cls, folder: Path, content: dict) -> "Dataset":
        """The dataset that the content of a `dataset.json` describes; its shards are not checked.

        Raises:
            KeyError: If a field is missing; `AttributeError`, `TypeError` or `ValueError` if one is garbled.
        """
        return cls(
            folder=folder,
            emotions=tuple(content["emotions"]),
            corpora=tuple(content["corpora"]),
            speakers_unknown=content["speakers_unknown"],
            synthetic=content["synthetic"],
            split_kind=content["split"],
            fingerprint=content["fingerprint"],
            splits={name: Split.from_json(split) for name, split in content["splits"].items()},
        )

    def to_json(
        self, origin: Mapping[str, Any], counts: Mapping[str, Any] | None = None, notes: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The content of `dataset.json`.

        Args:
            origin: What the dataset was made of, by which the same request is recognised later.
            counts: Further counts of clips.
            notes: What else is to be known, such as the sources.
        """
        return {
            "format": FORMAT,
            "emotions": list(self.emotions),
            "corpora": list(self.corpora),
            "synthetic": self.synthetic,
            "split": self.split_kind,
            "fingerprint": self.fingerprint,
            **origin,
            "clips": sum(split.clips for split in self.splits.values()),
            **(counts or {}),
            "speakers_unknown": self.speakers_unknown,
            "splits": {name: split.to_json() for name, split in self.splits.items()},
            **(notes or {}),
        }

    def split(self, name: str) -> Split:
        """One split, or all of them together, for a corpus that a model was not trained on.

        Args:
            name: Name of a split, or `all`.

        Raises:
            UserError: If there is no such split.
        """
        if name == ALL:
            return _together(list(self.splits.values()))
        if name not in self.splits:
            raise UserError(f"{self.folder} has no {name} clips; its splits are {', '.join(self.splits)}, or {ALL}")
        return self.splits[name]


def fingerprint(digests: Iterable[tuple[str, str]]) -> str:
    """The fingerprint of a dataset.

    Args:
        digests: Names of splits, each with a hex digest of records; a split may occur several times.
    """
    return hashlib.sha256("".join(f"{split} {digest}\n" for split, digest in digests).encode()).hexdigest()


def _together(splits: list[Split]) -> Split:
    emotions: Counter[str] = Counter()
    for split in splits:
        emotions.update(split.emotions)
    return Split(
        clips=sum(split.clips for split in splits),
        seconds=sum(split.seconds for split in splits),
        speakers=tuple(sorted({speaker for split in splits for speaker in split.speakers})),
        emotions=dict(emotions),
        shards=tuple(shard for split in splits for shard in split.shards),
        shard_bytes={shard: size for split in splits for shard, size in split.shard_bytes.items()},
        voted=sum(split.voted for split in splits),
    )


def _check_shards(folder: Path, split: Split) -> None:
    """Find a missing or truncated shard before it is read in the middle of an epoch."""
    for shard in split.shards:
        path = folder / shard
        if not path.is_file():
            raise UserError(f"{path} is missing: prepare the dataset again")
        size = path.stat().st_size
        if size != split.shard_bytes[shard]:
            raise UserError(f"{path} is damaged or incomplete: prepare the dataset again")
