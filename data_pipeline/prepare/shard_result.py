"""What became of a shard, and the note of it from which an interrupted run is continued."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from data_pipeline.errors import SetAside, UserError
from data_pipeline.prepare.plan import Shard
from data_pipeline.storage import join, storage_for
from data_pipeline.storage.stored_file import StoredFile


@dataclass(frozen=True, slots=True)
class WrittenClip:
    """A clip that became a record.

    Attributes:
        name: Name of the clip, as `corpus/name`.
        speaker: Speaker of the clip, as `corpus/speaker`.
        emotion: Acted emotion.
        samples: Number of samples at 16 kHz.
        digest: Hex digest of the samples.
        cut_off: Whether its file ends before its header or its structure says.
    """

    name: str
    speaker: str
    emotion: str
    samples: int
    digest: str
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What became of a shard.

    Attributes:
        plan: Digest of the shard as it was planned.
        size: Size of the record file in bytes.
        digest: Hex digest of what is in the records, in order.
        written: The clips in it, in order.
        set_aside: The clips left out.
    """

    plan: str
    size: int
    digest: str
    written: tuple[WrittenClip, ...]
    set_aside: tuple[SetAside, ...]


def note_name(shard: Shard) -> str:
    """File name of the note of a shard."""
    return f"{shard.name}.json"


def write_result(result: ShardResult, shard: Shard, work: str) -> None:
    """Write the note of a shard; it appears whole or not at all.

    Args:
        result: What became of the shard.
        shard: The shard.
        work: The folder for notes.

    Raises:
        UserError: If the note cannot be written.
    """
    content = {
        "plan": result.plan,
        "size": result.size,
        "digest": result.digest,
        # `asdict` copies every value; for tens of thousands of clips that takes as long as hashing their samples.
        "kept": [[getattr(clip, name) for name in WrittenClip.__slots__] for clip in result.written],
        "set_aside": [[clip.file, clip.reason] for clip in result.set_aside],
    }
    location = join(work, note_name(shard))
    with storage_for(location).replacing(location) as file:
        file.write(json.dumps(content).encode())


def read_result(shard: Shard, files: Mapping[str, StoredFile]) -> ShardResult | None:
    """The result of a shard that an earlier run, or a worker of this one, has written.

    Args:
        shard: The shard.
        files: Record files and notes that there are, by name.

    Returns:
        None if there is no such shard, if it was planned differently, if a clip's file has been changed since, or if
        the record file is not as the note says.
    """
    note, record = files.get(note_name(shard)), files.get(shard.name)
    if note is None or record is None or note.changed < shard.changed:
        return None
    try:
        content = json.loads(storage_for(note.location).read(note.location))
        result = ShardResult(
            plan=content["plan"],
            size=content["size"],
            digest=content["digest"],
            written=tuple(WrittenClip(*clip) for clip in content["kept"]),
            set_aside=tuple(SetAside(*clip) for clip in content["set_aside"]),
        )
    except (UserError, ValueError, KeyError, TypeError):
        return None
    return result if (result.plan, result.size) == (shard.digest, record.size) else None
