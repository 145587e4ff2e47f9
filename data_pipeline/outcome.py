"""What became of a shard, and the note of it by which an interrupted run is taken up again."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from data_pipeline.atomic_file import write_text
from data_pipeline.emotion import Emotion
from data_pipeline.plan import Shard


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
    emotion: Emotion
    samples: int
    digest: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """A clip that did not.

    Attributes:
        file: Its path below its corpus's folder.
        reason: What is wrong with it, worded to follow the file's name.
    """

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file} {self.reason}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a shard.

    Attributes:
        plan: Digest of the plan that it belongs to.
        size: Of the record file in bytes.
        digest: Hex digest of the records, in order.
        kept: The clips in it, in order.
        set_aside: The clips left out.
    """

    plan: str
    size: int
    digest: str
    kept: tuple[Kept, ...]
    set_aside: tuple[SetAside, ...]


def write_outcome(outcome: Outcome, shard: Shard, work: Path) -> None:
    """Note an outcome; the note appears whole.

    Args:
        outcome: What became of the shard.
        shard: Which.
        work: The folder for notes.

    Raises:
        UserError: If the disk refuses.
    """
    write_text(_note_path(work, shard), json.dumps(asdict(outcome)))


def read_outcome(shard: Shard, plan: str, out: Path, work: Path) -> Outcome | None:
    """The outcome of a shard that an earlier run finished.

    Args:
        shard: Which.
        plan: Digest of the plan that it must belong to.
        out: Where its record file is.
        work: Where its note is.

    Returns:
        None if there is no such shard, if it belongs to another plan, if a clip's file has been changed
        since, or if the record file is not as the note says.
    """
    try:
        path = _note_path(work, shard)
        if path.stat().st_mtime_ns < shard.changed:
            return None
        note = json.loads(path.read_text(encoding="utf-8"))
        outcome = Outcome(
            plan=note["plan"],
            size=note["size"],
            digest=note["digest"],
            kept=tuple(Kept(**{**clip, "emotion": Emotion(clip["emotion"])}) for clip in note["kept"]),
            set_aside=tuple(SetAside(**clip) for clip in note["set_aside"]),
        )
        size = (out / shard.name).stat().st_size
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return outcome if (outcome.plan, outcome.size) == (plan, size) else None


def _note_path(work: Path, shard: Shard) -> Path:
    return work / f"{shard.name}.json"
