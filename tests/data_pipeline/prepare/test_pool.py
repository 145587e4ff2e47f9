"""The pool of processes: what a clip does to its process harms neither the job nor the other clips."""

import os
import signal
import time
from pathlib import Path

import pytest
import soundfile

from data_pipeline.clip import Clip
from data_pipeline.emotion import Emotion
from data_pipeline.errors import UserError
from data_pipeline.prepare.plan import make_plan
from data_pipeline.prepare.shards import DEADLY, ShardTask
from data_pipeline.storage.stored_file import StoredFile
from data_pipeline.workers.pool import run_tasks
from tests.voice import voice


class Crashing(str):
    """The path of a file that crashes the process which looks at it, as a defect in native code would."""

    __slots__ = ()

    def __str__(self):
        os.kill(os.getpid(), signal.SIGSEGV)


class Hanging(str):
    """The path of a file that keeps busy the process which looks at it."""

    __slots__ = ()

    def __str__(self):
        time.sleep(600)


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    """Ten shards of four clips, and a folder to write them to."""
    monkeypatch.setattr("data_pipeline.prepare.plan.CLIPS_PER_SHARD", 4)
    clips = []
    for number in range(40):
        path = tmp_path / f"{number:02d}.wav"
        soundfile.write(path, voice(0.5, seed=number), 16_000)
        clips.append(
            Clip(StoredFile(str(path), path.name, path.stat().st_size, 0), path.stem, "test", "speaker", Emotion.ANGER)
        )
    plan = make_plan([(clip, "train") for clip in clips], "speaker")
    out, work = tmp_path / "out", tmp_path / "work"
    out.mkdir()
    work.mkdir()
    return [ShardTask(shard, str(out), str(work)) for shard in plan.shards]


def with_clip(task: ShardTask, index: int, kind: type[str]) -> ShardTask:
    """The task with one clip's path replaced by one of that kind."""
    clips = list(task.shard.clips)
    file = clips[index].file
    changed = Clip(StoredFile(kind(file.location), file.name, file.size, file.changed), *_fields(clips[index])[1:])
    clips[index] = changed
    return ShardTask(type(task.shard)(task.shard.name, task.shard.split, tuple(clips)), task.out, task.work)


def write_shards(tasks, workers, **options):
    """The results by the names of the shards."""
    results = run_tasks(tasks, workers, "wrote records", **options)
    return {tasks[number].shard.name: result for number, result in results}


def _fields(clip: Clip) -> list:
    return [getattr(clip, name) for name in clip.__dataclass_fields__]


def test_shards_are_those_that_one_process_writes(tasks, tmp_path):
    results = write_shards(tasks, 3)

    (tmp_path / "alone").mkdir()
    for task in tasks:
        alone = ShardTask(task.shard, str(tmp_path / "alone"), task.work).run()
        assert results[task.shard.name] == alone
        assert (tmp_path / "alone" / task.shard.name).read_bytes() == (Path(task.out) / task.shard.name).read_bytes()


@pytest.mark.parametrize("kind", [Crashing, Hanging])
def test_a_clip_that_ends_its_process_is_set_aside(tasks, kind):
    tasks[3] = with_clip(tasks[3], 2, kind)

    results = write_shards(tasks, 2, seconds_per_item=1)

    assert results.keys() == {task.shard.name for task in tasks}
    set_aside = [clip for result in results.values() for clip in result.set_aside]
    assert [(clip.file, clip.reason) for clip in set_aside] == [(tasks[3].shard.clips[2].file.name, DEADLY)]
    assert sum(len(result.written) for result in results.values()) == 39


def test_several_deadly_clips_in_several_shards(tasks):
    for number, index in ((0, 0), (0, 3), (9, 1)):
        tasks[number] = with_clip(tasks[number], index, Crashing)

    results = write_shards(tasks, 2)

    assert sum(len(result.set_aside) for result in results.values()) == 3
    assert sum(len(result.written) for result in results.values()) == 37


def test_progress_counts_up_to_all_clips(tasks):
    counts = []

    write_shards(tasks, 2, on_progress=counts.append)

    assert counts == sorted(counts)
    assert counts[-1] == 40


def test_what_the_disk_refuses_ends_the_job(tasks, tmp_path):
    (tmp_path / "out").rmdir()

    with pytest.raises(UserError, match=r"\.tfrecord cannot be written"):
        write_shards(tasks, 2)
