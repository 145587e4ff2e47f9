"""A prepared dataset on disk: `dataset.json` and the record shards that it names."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.errors import UserError

FORMAT = 2
"""Version of the layout; a reader refuses any other."""

ALL = "all"
"""Stands for all sides together."""


@dataclass(frozen=True, slots=True)
class Split:
    """One side of the split.

    Attributes:
        clips: How many utterances.
        seconds: Of audio.
        speakers: Sorted ids, each `corpus/speaker`.
        emotions: Clips per emotion, those that there are.
        shards: File names relative to the dataset's folder, in order.
        shard_bytes: Size of each shard, by its name.
        voted: Clips that listeners voted on.
    """

    clips: int
    seconds: float
    speakers: tuple[str, ...]
    emotions: dict[str, int]
    shards: tuple[str, ...]
    shard_bytes: dict[str, int]
    voted: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """What `dataset.json` says.

    Attributes:
        folder: Where it lies.
        emotions: That its clips are labelled with, in the order of `EMOTIONS`.
        corpora: Names of the corpora in it.
        speakers_unknown: Clips whose speaker nobody named, each counted as a speaker of its own; people among them may
            be on two sides, and every report must say so.
        synthetic: Whether any of its speech is made by a machine; every report made from it must say so.
        split_name: How it was split (`speaker`, `random`).
        fingerprint: Hex digest of all records; equal data gives equal fingerprints.
        splits: By name: `train`, `validation`, `test`. A side without clips is left out.
    """

    folder: Path
    emotions: tuple[str, ...]
    corpora: tuple[str, ...]
    speakers_unknown: int
    synthetic: bool
    split_name: str
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
        # Both text that is not JSON and bytes that are not UTF-8.
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
        for side in dataset.splits.values():
            _check_shards(path.parent, side)
        return dataset

    @classmethod
    def from_json(cls, folder: Path, content: dict) -> "Dataset":
        """What a `dataset.json` says, its shards unseen.

        Raises:
            KeyError: If a field is missing; `AttributeError`, `TypeError` or `ValueError` if one is garbled.
        """
        splits = {
            name: Split(
                clips=side["clips"],
                seconds=side["seconds"],
                speakers=tuple(side["speakers"]),
                emotions=side["emotions"],
                shards=tuple(side["shards"]),
                shard_bytes=dict(side["shard_bytes"]),
                voted=side["clips_with_votes"],
            )
            for name, side in content["splits"].items()
        }
        return cls(
            folder=folder,
            emotions=tuple(content["emotions"]),
            corpora=tuple(content["corpora"]),
            speakers_unknown=content["speakers_unknown"],
            synthetic=content["synthetic"],
            split_name=content["split"],
            fingerprint=content["fingerprint"],
            splits=splits,
        )

    def side(self, name: str) -> Split:
        """One side of the split, or all of them together, as where a model has heard none of a corpus.

        Args:
            name: Of a side, or `all`.

        Raises:
            UserError: If there is none of that name.
        """
        if name == ALL:
            return _together(list(self.splits.values()))
        if name not in self.splits:
            raise UserError(f"{self.folder} has no {name} clips; its splits are {', '.join(self.splits)}, or {ALL}")
        return self.splits[name]


def _together(sides: list[Split]) -> Split:
    emotions: Counter[str] = Counter()
    for side in sides:
        emotions.update(side.emotions)
    return Split(
        clips=sum(side.clips for side in sides),
        seconds=sum(side.seconds for side in sides),
        speakers=tuple(sorted({speaker for side in sides for speaker in side.speakers})),
        emotions=dict(emotions),
        shards=tuple(shard for side in sides for shard in side.shards),
        shard_bytes={shard: size for side in sides for shard, size in side.shard_bytes.items()},
        voted=sum(side.voted for side in sides),
    )


def _check_shards(folder: Path, side: Split) -> None:
    """Find a missing or truncated shard here, where it can be named, and not in the middle of an epoch."""
    for shard in side.shards:
        path = folder / shard
        if not path.is_file():
            raise UserError(f"{path} is missing: prepare the dataset again")
        size = path.stat().st_size
        if size != side.shard_bytes[shard]:
            raise UserError(f"{path} is damaged or incomplete: prepare the dataset again")
