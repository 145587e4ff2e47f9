"""What became of a shard, and the note of it by which an interrupted run is taken up again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from data_pipeline.errors import SetAside, UserError
from data_pipeline.prepare.plan import Shard
from data_pipeline.storage import join, storage_for
from data_pipeline.storage.stored_file import StoredFile


@dataclass(frozen=True, slots=True)
class Kept:
    """A clip that became a record.

    Attributes:
        name: `corpus/name`.
        speaker: `corpus/speaker`.
        emotion: Its label.
        samples: At 16 kHz.
        digest: Hex digest of the samples.
    """

    name: str
    speaker: str
    emotion: str
    samples: int
    digest: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a shard.

    Attributes:
        plan: Digest of the shard as it was planned.
        size: Of the record file in bytes.
        digest: Hex digest of what is in the records, in order.
        kept: The clips in it, in order.
        set_aside: The clips left out.
    """

    plan: str
    size: int
    digest: str
    kept: tuple[Kept, ...]
    set_aside: tuple[SetAside, ...]


def note_name(shard: Shard) -> str:
    """File name of the note of a shard."""
    return f"{shard.name}.json"


def write_outcome(outcome: Outcome, shard: Shard, work: str) -> None:
    """Note an outcome; the note appears whole.

    Args:
        outcome: What became of the shard.
        shard: Which.
        work: The folder for notes.

    Raises:
        UserError: If the disk refuses.
    """
    location = join(work, note_name(shard))
    with storage_for(location).replacing(location) as file:
        file.write(json.dumps(_to_json(outcome)).encode())


def _to_json(outcome: Outcome) -> dict:
    # `asdict` copies every value; for tens of thousands of clips that takes as long as hashing their samples.
    return {
        "plan": outcome.plan,
        "size": outcome.size,
        "digest": outcome.digest,
        "kept": [[getattr(clip, name) for name in Kept.__slots__] for clip in outcome.kept],
        "set_aside": [[clip.file, clip.reason] for clip in outcome.set_aside],
    }


def read_outcome(shard: Shard, files: Mapping[str, StoredFile]) -> Outcome | None:
    """The outcome of a shard that an earlier run, or a worker of this one, finished.

    Args:
        shard: Which.
        files: Record files and notes that there are, by name.

    Returns:
        None if there is no such shard, if it was planned otherwise, if a clip's file has been changed
        since, or if the record file is not as the note says.
    """
    note, record = files.get(note_name(shard)), files.get(shard.name)
    if note is None or record is None or note.changed < shard.changed:
        return None
    try:
        content = json.loads(storage_for(note.location).read(note.location))
        outcome = Outcome(
            plan=content["plan"],
            size=content["size"],
            digest=content["digest"],
            kept=tuple(Kept(*clip) for clip in content["kept"]),
            set_aside=tuple(SetAside(*clip) for clip in content["set_aside"]),
        )
    except (UserError, ValueError, KeyError, TypeError):
        return None
    return outcome if (outcome.plan, outcome.size) == (shard.digest, record.size) else None
