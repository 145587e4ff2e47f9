"""Prepare: from clips to a dataset, whatever is in the folder and however often it is interrupted."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from data_pipeline.corpora import open_corpus
from data_pipeline.corpora.corpus import Corpus, Listing
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.prepare.job import prepare
from data_pipeline.records.parsing import parse
from data_pipeline.storage.local import LocalStorage
from tests.voice import voice

ROOT = Path(__file__).parents[3]
EMOTIONS = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")

# Two actors of each split of CREMA-D's split.
TRAIN, VALIDATION, TEST = ("1001", "1002"), ("1015", "1020"), ("1010", "1013")


def write_clip(path: Path, seed: int, seconds: float = 0.5, rate: int = 16_000, **options) -> np.ndarray:
    """Write speech that no other seed gives, and return it as int16."""
    pcm = (voice(seconds, rate, seed=seed % 80) * 32_767 + seed // 80).astype(np.int16)
    soundfile.write(path, pcm, rate, **options)
    return pcm


def make_corpus(folder: Path, actors=TRAIN + VALIDATION + TEST, sentences=("IEO",)) -> dict[str, np.ndarray]:
    """Write a tiny CREMA-D, and return the samples of each clip."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{actor}_{sentence}_{emotion}_XX" for actor in actors for sentence in sentences for emotion in EMOTIONS]
    return {name: write_clip(folder / f"{name}.wav", seed) for seed, name in enumerate(names)}


def crema_d(folder: Path) -> list[tuple[Corpus, Path]]:
    return [(open_corpus("crema_d"), folder)]


def read_split(dataset: Dataset, split: str) -> list[dict]:
    files = [str(dataset.folder / shard) for shard in dataset.split(split).shards]
    return [
        {key: value.numpy() for key, value in parse(record).items()}
        for file in files
        for record in tf.data.TFRecordDataset(file)
    ]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def source(tmp_path):
    return tmp_path / "source"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_every_clip_becomes_a_record_in_its_split(source, out):
    pcms = make_corpus(source)

    summary = prepare(crema_d(source), out)

    for split, actors in [("train", TRAIN), ("validation", VALIDATION), ("test", TEST)]:
        records = read_split(summary.dataset, split)
        assert {record["name"].decode() for record in records} == {name for name in pcms if name[:4] in actors}
        assert summary.dataset.split(split).speakers == tuple(f"crema_d/{actor}" for actor in actors)
        for record in records:
            np.testing.assert_array_equal(record["waveform"] * 32_768, pcms[record["name"].decode()])
            assert record["corpus"] == b"crema_d"


def test_the_description_counts_what_is_there(source, out):
    make_corpus(source)

    prepare(crema_d(source), out)

    content = json.loads((out / "dataset.json").read_text())
    assert content["format"] == 2
    assert content["emotions"] == ["anger", "disgust", "fear", "happiness", "neutral", "sadness"]
    assert content["corpora"] == ["crema_d"]
    assert content["synthetic"] is False
    assert content["split"] == "speaker"
    assert content["sample_rate"] == 16_000
    assert content["clips"] == 36
    assert content["seconds"] == pytest.approx(36 * 0.5)
    assert content["set_aside"] == []
    assert content["contradictions"] == []
    sizes = {path.name: path.stat().st_size for path in out.glob("*.tfrecord")}
    assert {name: size for split in content["splits"].values() for name, size in split["shard_bytes"].items()} == sizes
    assert content["sources"][0]["place"] == str(source)
    assert content["sources"][0]["licence"] == "Open Database License 1.0"
    for split in content["splits"].values():
        assert split["clips"] == 12
        assert split["seconds"] == pytest.approx(12 * 0.5)
        assert set(split["emotions"].values()) == {2}
    assert sorted(contents(out)) == sorted(
        ["dataset.json", *(shard for split in content["splits"].values() for shard in split["shards"])]
    )


def test_a_large_split_is_cut_into_shards_that_mix_speakers(source, out, monkeypatch):
    monkeypatch.setattr("data_pipeline.prepare.plan.CLIPS_PER_SHARD", 20)
    make_corpus(source, actors=("1001", "1002", "1003", "1004", "1005"), sentences=("IEO", "DFA"))

    dataset = prepare(crema_d(source), out).dataset

    assert dataset.split("train").shards == tuple(f"train-{number:05d}-of-00003.tfrecord" for number in range(3))
    for shard in dataset.split("train").shards:
        records = [parse(record) for record in tf.data.TFRecordDataset(str(out / shard))]
        assert len(records) == 20
        assert len({record["speaker"].numpy() for record in records}) >= 4
        assert len({record["emotion"].numpy() for record in records}) >= 5


@pytest.mark.parametrize("workers", [1, 3])
def test_the_same_corpus_gives_the_same_bytes(source, tmp_path, monkeypatch, workers):
    monkeypatch.setattr("data_pipeline.prepare.plan.CLIPS_PER_SHARD", 5)
    make_corpus(source)

    prepare(crema_d(source), tmp_path / "one", workers=2)
    prepare(crema_d(source), tmp_path / "other", workers=workers)

    assert contents(tmp_path / "one") == contents(tmp_path / "other")


def test_the_fingerprint_tells_other_samples_labels_and_splits_apart(source, tmp_path):
    make_corpus(source)
    fingerprints = [prepare(crema_d(source), tmp_path / "a").dataset.fingerprint]
    fingerprints.append(prepare(crema_d(source), tmp_path / "b", split="random").dataset.fingerprint)
    write_clip(source / "1001_IEO_ANG_XX.wav", seed=1_000)
    fingerprints.append(prepare(crema_d(source), tmp_path / "c").dataset.fingerprint)
    (source / "1001_IEO_ANG_XX.wav").rename(source / "1001_DFA_ANG_XX.wav")
    fingerprints.append(prepare(crema_d(source), tmp_path / "d").dataset.fingerprint)

    assert len(set(fingerprints)) == 4


def spoil(folder: Path) -> dict[str, str]:
    """Put one clip of every useless kind among good ones; returns what the reason of each must say."""
    good = (folder / "1001_IEO_ANG_XX.wav").read_bytes()
    (folder / "1001_DFA_ANG_XX.wav").write_text("This is not a recording.")
    (folder / "1001_DFA_DIS_XX.wav").touch()
    soundfile.write(folder / "1001_DFA_FEA_XX.wav", np.zeros(16_000), 16_000)
    write_clip(folder / "1001_DFA_HAP_XX.wav", seed=77, seconds=0.05)
    soundfile.write(folder / "1001_DFA_NEU_XX.wav", np.full(16_000, np.nan), 16_000, subtype="FLOAT")
    soundfile.write(folder / "1001_DFA_SAD_XX.wav", np.zeros(0), 16_000)
    (folder / "1001_ITS_SAD_XX.mp3").write_bytes(b"\x00" * 500)
    (folder / "1001_ITS_NEU_XX.wav").write_bytes(good[:30])
    return {
        "1001_DFA_ANG_XX.wav": "cannot be decoded as audio",
        "1001_DFA_DIS_XX.wav": "is empty (zero bytes)",
        "1001_DFA_FEA_XX.wav": "is silent",
        "1001_DFA_HAP_XX.wav": "is shorter than 0.1 s",
        "1001_DFA_NEU_XX.wav": "holds samples that are not finite numbers",
        "1001_DFA_SAD_XX.wav": "holds no samples",
        "1001_ITS_NEU_XX.wav": "cannot be decoded as audio",
        "1001_ITS_SAD_XX.mp3": "cannot be decoded as audio",
    }


def test_useless_clips_are_set_aside_with_their_reasons(source, out):
    make_corpus(source)
    expected = spoil(source)

    summary = prepare(crema_d(source), out)

    assert [clip.file for clip in summary.set_aside] == sorted(expected)
    for clip in summary.set_aside:
        assert clip.reason.startswith(expected[clip.file])
        assert str(clip) == f"{clip.file} {clip.reason}"
    assert sum(split.clips for split in summary.dataset.splits.values()) == 36
    content = json.loads((out / "dataset.json").read_text())
    assert content["set_aside"] == [{"file": clip.file, "reason": clip.reason} for clip in summary.set_aside]


def test_odd_files_that_can_be_used_are_used(source, out):
    make_corpus(source, actors=TRAIN)
    mp3 = source / "made.mp3"
    write_clip(mp3, seed=1, seconds=0.5, format="MP3")
    mp3.rename(source / "1001_DFA_ANG_XX.wav")
    stereo = np.stack([voice(0.5, 48_000, seed=2)] * 2, axis=1)
    soundfile.write(source / "1001_DFA_DIS_XX.wav", stereo, 48_000, subtype="PCM_24")

    summary = prepare(crema_d(source), out)

    samples = {record["name"].decode(): record["num_samples"] for record in read_split(summary.dataset, "train")}
    assert summary.set_aside == ()
    assert samples["1001_DFA_DIS_XX"] == 8_000
    assert 8_000 <= samples["1001_DFA_ANG_XX"] < 12_000


def test_a_split_whose_clips_are_all_useless_is_left_out(source, out):
    make_corpus(source, actors=TRAIN)
    soundfile.write(source / "1015_IEO_ANG_XX.wav", np.zeros(16_000), 16_000)

    dataset = prepare(crema_d(source), out).dataset

    assert list(dataset.splits) == ["train"]
    assert sorted(contents(out)) == ["dataset.json", *dataset.split("train").shards]


def test_identical_audio_under_different_labels_is_reported_and_kept(source, out):
    make_corpus(source)
    (source / "1001_IEO_SAD_XX.wav").write_bytes((source / "1001_IEO_ANG_XX.wav").read_bytes())

    summary = prepare(crema_d(source), out)

    (found,) = summary.contradictions
    assert found.names == ("crema_d/1001_IEO_ANG_XX", "crema_d/1001_IEO_SAD_XX")
    assert found.values == ("anger", "sadness")
    assert sum(split.clips for split in summary.dataset.splits.values()) == 36
    assert json.loads((out / "dataset.json").read_text())["contradictions"] == [
        {"names": list(found.names), "emotions": list(found.values)}
    ]


def test_audio_with_other_names_is_ignored_and_listed(source, out):
    make_corpus(source / "AudioWAV")
    write_clip(source / "AudioWAV" / "holiday.WAV", seed=5)
    (source / "AudioWAV" / "notes.txt").touch()

    assert prepare(crema_d(source), out).ignored == ("AudioWAV/holiday.WAV",)


def test_votes_and_demographics_reach_the_records(source, out):
    make_corpus(source, actors=("1001", "1002"))
    (source / "processedResults").mkdir()
    (source / "processedResults" / "tabulatedVotes.csv").write_text(
        '"","A","D","F","H","N","S","fileName"\n"100001",1,2,3,4,5,6,"1001_IEO_NEU_XX"\n'
    )
    (source / "VideoDemographics.csv").write_text(
        '"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","Caucasian","Not Hispanic"\n'
    )

    summary = prepare(crema_d(source), out)

    assert (summary.with_votes, summary.with_demographics) == (1, 6)
    records = {record["name"].decode(): record for record in read_split(summary.dataset, "train")}
    assert records["1001_IEO_NEU_XX"]["votes"].tolist() == [1, 2, 3, 4, 5, 6, 0, 0, 0]
    assert records["1001_IEO_SAD_XX"]["votes"].tolist() == [0] * 9
    assert (records["1001_IEO_SAD_XX"]["age"], records["1001_IEO_SAD_XX"]["sex"]) == (51, b"male")
    assert (records["1002_IEO_SAD_XX"]["age"], records["1002_IEO_SAD_XX"]["sex"]) == (-1, b"")


@pytest.mark.parametrize(("split", "validation"), [("random", None), ("fold:2/2", {"crema_d/1002", "crema_d/1003"})])
def test_other_splits(source, out, split, validation):
    make_corpus(source, actors=("1001", "1002", "1003", "1004", "1010"))

    dataset = prepare(crema_d(source), out, split=split).dataset

    assert dataset.split_kind == split
    if validation is None:
        assert set(dataset.split("train").speakers) & set(dataset.split("test").speakers)
    else:
        assert len(dataset.split("validation").speakers) == len(dataset.split("train").speakers) == 2
        assert dataset.split("test").speakers == ("crema_d/1010",)


class Other(Corpus):
    """A corpus with names that another corpus has too."""

    name = "other"
    title = "Other"
    speakers = "1"
    licence = "none"
    url = ""
    synthetic = True

    def read(self, source):
        clips = open_corpus("crema_d").clips(source)
        return Listing(tuple(replace(clip, corpus="other") for clip in clips))


def test_two_corpora_become_one_dataset(source, tmp_path, out):
    make_corpus(source, actors=("1001", "1002"))
    make_corpus(tmp_path / "second", actors=("1001", "1002"))

    dataset = prepare([*crema_d(source), (Other(), tmp_path / "second")], out).dataset

    assert dataset.corpora == ("crema_d", "other")
    assert dataset.synthetic is True
    assert {"crema_d/1001", "crema_d/1002"} < set(dataset.split("train").speakers)
    assert sum(split.clips for split in dataset.splits.values()) == 24


def test_a_clip_that_goes_after_it_was_listed_is_set_aside(source, out):
    make_corpus(source, actors=("1001",))

    class Vanishing(Other):
        def read(self, source):
            listing = super().read(source)
            Path(listing.clips[3].file.location).unlink()
            return listing

    summary = prepare([(Vanishing(), source)], out)

    (gone,) = summary.set_aside
    assert str(gone) == "1001_IEO_HAP_XX.wav cannot be read (No such file or directory)"


def test_a_place_where_no_folder_can_be_made_is_named(source, tmp_path):
    make_corpus(source, actors=("1001",))
    (tmp_path / "file").touch()

    with pytest.raises(UserError, match=r"file/out cannot be written"):
        prepare(crema_d(source), tmp_path / "file" / "out")


def test_one_clip_twice_is_refused(source, tmp_path, out):
    make_corpus(source, actors=("1001",))
    make_corpus(tmp_path / "copy", actors=("1001",))

    with pytest.raises(UserError, match="both crema_d/1001_IEO_ANG_XX"):
        prepare([*crema_d(source), *crema_d(tmp_path / "copy")], out)
    assert not out.exists()


@pytest.mark.parametrize("kind", ["missing", "file", "empty"])
def test_a_source_without_clips_leaves_nothing_behind(source, out, kind):
    if kind == "file":
        source.touch()
    if kind == "empty":
        source.mkdir()

    with pytest.raises(UserError, match="source"):
        prepare(crema_d(source), out / "deep")
    assert not out.exists()


def test_a_source_that_has_gone_leaves_the_dataset_as_it_was(source, out):
    make_corpus(source, actors=("1001",))
    prepare(crema_d(source), out)
    before = contents(out)
    source.rename(source.with_name("elsewhere"))

    with pytest.raises(UserError, match="source does not exist"):
        prepare(crema_d(source), out, overwrite=True)
    assert contents(out) == before


def test_a_corpus_without_a_usable_clip_leaves_nothing_behind(source, tmp_path):
    source.mkdir()
    (source / "1001_IEO_ANG_XX.wav").touch()
    (source / "1001_IEO_DIS_XX.wav").write_text("no sound")

    with pytest.raises(UserError, match=r"none of the 2 clips is usable.*1001_IEO_..._XX\.wav"):
        prepare(crema_d(source), tmp_path / "deep" / "out")
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize("workers", [0, -1])
def test_fewer_than_one_worker_is_refused(source, out, workers):
    make_corpus(source, actors=("1001",))

    with pytest.raises(UserError, match="at least 1"):
        prepare(crema_d(source), out, workers=workers)


def test_a_file_in_place_of_the_folder_is_refused(source, out):
    make_corpus(source, actors=("1001",))
    out.write_text("mine")

    with pytest.raises(UserError, match=r"out is a file"):
        prepare(crema_d(source), out)
    assert out.read_text() == "mine"


def test_a_folder_with_something_else_in_it_is_refused(source, out):
    make_corpus(source, actors=("1001",))
    out.mkdir()
    (out / "thesis.tex").write_text("mine")

    with pytest.raises(UserError, match="not empty and holds no dataset"):
        prepare(crema_d(source), out, overwrite=True)
    assert contents(out) == {"thesis.tex": b"mine"}


def test_the_corpus_folder_itself_is_no_place_for_the_dataset(source):
    make_corpus(source, actors=("1001",))
    before = contents(source)

    with pytest.raises(UserError, match="holds no dataset"):
        prepare(crema_d(source), source)
    assert contents(source) == before


def test_an_empty_folder_that_was_there_stays(source, out):
    source.mkdir()
    (source / "1001_IEO_ANG_XX.wav").touch()
    out.mkdir()

    with pytest.raises(UserError):
        prepare(crema_d(source), out)
    assert list(out.iterdir()) == []


def test_a_second_run_changes_nothing(source, out):
    make_corpus(source)
    first = prepare(crema_d(source), out)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.iterdir()}

    second = prepare(crema_d(source), out)

    assert not first.unchanged
    assert second.unchanged
    assert (second.dataset, second.set_aside) == (first.dataset, first.set_aside)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.iterdir()} == before


def test_a_clip_replaced_by_one_of_the_same_size_is_noticed(source, out):
    make_corpus(source)
    first = prepare(crema_d(source), out)
    path = source / "1001_IEO_ANG_XX.wav"
    times = path.stat()
    write_clip(path, seed=1_000)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    second = prepare(crema_d(source), out)

    assert not second.unchanged
    assert second.dataset.fingerprint != first.dataset.fingerprint


def test_a_missing_shard_is_made_again(source, out):
    make_corpus(source)
    prepare(crema_d(source), out)
    before = contents(out)
    (out / "test-00000-of-00001.tfrecord").unlink()

    prepare(crema_d(source), out)

    assert contents(out) == before


def test_a_truncated_shard_is_named_and_made_again(source, out):
    make_corpus(source)
    prepare(crema_d(source), out)
    before = contents(out)
    shard = out / "test-00000-of-00001.tfrecord"
    shard.write_bytes(before[shard.name][:-1])

    with pytest.raises(UserError, match=r"test-00000-of-00001\.tfrecord is damaged or incomplete"):
        Dataset.open(out)
    prepare(crema_d(source), out)

    assert contents(out) == before


@pytest.mark.parametrize("change", ["split", "clips"])
def test_another_dataset_is_replaced_only_on_request(source, out, tmp_path, change):
    make_corpus(source)
    prepare(crema_d(source), out)
    before = contents(out)
    split = "random" if change == "split" else "speaker"
    if change == "clips":
        (source / "1001_IEO_ANG_XX.wav").unlink()

    with pytest.raises(UserError, match="--overwrite"):
        prepare(crema_d(source), out, split=split)
    assert contents(out) == before

    prepare(crema_d(source), out, split=split, overwrite=True)
    prepare(crema_d(source), tmp_path / "fresh", split=split)
    assert contents(out) == contents(tmp_path / "fresh")


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"license": "MIT"}', b"\xff\xfe"])
def test_a_description_of_something_else_is_never_replaced(source, out, text):
    make_corpus(source, actors=("1001",))
    out.mkdir()
    (out / "dataset.json").write_bytes(text)

    with pytest.raises(UserError, match=r"dataset\.json describes no dataset"):
        prepare(crema_d(source), out, overwrite=True)
    assert (out / "dataset.json").read_bytes() == text


def test_progress_goes_up_to_the_number_of_clips(source, out, monkeypatch):
    monkeypatch.setattr("data_pipeline.prepare.plan.CLIPS_PER_SHARD", 5)
    make_corpus(source)
    calls = []

    prepare(crema_d(source), out, workers=3, on_progress=lambda done, total: calls.append((done, total)))

    counts = [done for done, _ in calls]
    assert calls[0] == (0, 36)
    assert calls[-1] == (36, 36)
    assert counts == sorted(counts)
    assert {total for _, total in calls} == {36}


class Interruption(Exception):
    pass


def interrupted_after(clips: int):
    """Writes shards in this process, and fails when so many clips have been begun."""

    def write_shards(tasks, on_progress):
        done = 0

        def on_clip(index):
            nonlocal done
            done += 1
            if done > clips:
                raise Interruption

        return {task.shard.name: task.run(on_clip) for task in tasks}

    return write_shards


def test_an_interrupted_run_is_taken_up_again(source, out, tmp_path, monkeypatch):
    monkeypatch.setattr("data_pipeline.prepare.plan.CLIPS_PER_SHARD", 5)
    make_corpus(source)
    prepare(crema_d(source), tmp_path / "uninterrupted")

    with pytest.raises(Interruption):
        prepare(crema_d(source), out, write_shards=interrupted_after(18))
    with pytest.raises(UserError, match="no prepared dataset"):
        Dataset.open(out)
    calls = []
    prepare(crema_d(source), out, on_progress=lambda done, total: calls.append(done))

    # Shards of 4 clips, four of which were whole when the 18th clip was begun.
    assert calls[0] == 16
    assert contents(out) == contents(tmp_path / "uninterrupted")


def test_what_an_interrupted_run_left_of_another_plan_is_not_used(source, out, tmp_path, monkeypatch):
    monkeypatch.setattr("data_pipeline.prepare.plan.CLIPS_PER_SHARD", 5)
    make_corpus(source)

    with pytest.raises(Interruption):
        prepare(crema_d(source), out, write_shards=interrupted_after(18))
    prepare(crema_d(source), out, split="random")
    prepare(crema_d(source), tmp_path / "fresh", split="random")

    assert contents(out) == contents(tmp_path / "fresh")


def test_a_shard_damaged_while_interrupted_is_made_again(source, out, tmp_path, monkeypatch):
    monkeypatch.setattr("data_pipeline.prepare.plan.CLIPS_PER_SHARD", 5)
    make_corpus(source)
    prepare(crema_d(source), tmp_path / "uninterrupted")

    with pytest.raises(Interruption):
        prepare(crema_d(source), out, write_shards=interrupted_after(18))
    (first, *_) = sorted(out.rglob("*.tfrecord"))
    first.write_bytes(first.read_bytes()[:100])
    prepare(crema_d(source), out)

    assert contents(out) == contents(tmp_path / "uninterrupted")


RUN = """
import sys
import data_pipeline.prepare.plan
data_pipeline.prepare.plan.CLIPS_PER_SHARD = 20
from data_pipeline.corpora import open_corpus
from data_pipeline.prepare.job import prepare

if __name__ == "__main__":
    begun = lambda done, total: print(done, flush=True)
    prepare([(open_corpus("crema_d"), sys.argv[1])], sys.argv[2], workers=2, on_progress=begun)
"""


def start_run(source: Path, out: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(source), str(out)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def large(source, monkeypatch):
    """A corpus that takes a second or so to prepare."""
    monkeypatch.setattr("data_pipeline.prepare.plan.CLIPS_PER_SHARD", 20)
    actors = [str(actor) for actor in range(1001, 1051)]
    make_corpus(source, actors=actors, sentences=("IEO", "TIE", "DFA", "IOM", "ITH", "WSI"))
    return source


def kill_runs(source: Path, out: Path, kills: int) -> int:
    """Start runs and kill each at a random moment; returns how many had not finished by then."""
    moments = random.Random(0)
    unfinished = 0
    for number in range(kills):
        with start_run(source, out) as process:
            process.stdout.readline()
            # The first comes at once, since a fast machine may finish before any other.
            time.sleep(moments.uniform(0, 0.5) if number else 0)
            process.send_signal(signal.SIGKILL)
        unfinished += (out / ".unfinished").exists()
    return unfinished


@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_a_run_killed_at_random_moments_is_taken_up_again(large, out, tmp_path, kills):
    prepare(crema_d(large), tmp_path / "uninterrupted")

    assert kill_runs(large, out, kills) > 0
    prepare(crema_d(large), out)

    assert contents(out) == contents(tmp_path / "uninterrupted")


class Killed(BaseException):
    """Stands for a kill at a chosen step."""


STEPS = ("delete", "move", "replacing", "remove_folder")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_run_killed_while_it_replaces_a_dataset_is_taken_up_again(source, out, tmp_path, monkeypatch, step, calls):
    monkeypatch.setattr("data_pipeline.prepare.plan.CLIPS_PER_SHARD", 5)
    make_corpus(source)
    prepare(crema_d(source), tmp_path / "new")
    prepare(crema_d(source), out, split="random")
    real, seen = getattr(LocalStorage, step), []

    def kill(self, *arguments):
        seen.append(arguments)
        if len(seen) > calls:
            raise Killed
        return real(self, *arguments)

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(LocalStorage, step, kill)
        prepare(crema_d(source), out, overwrite=True)
    prepare(crema_d(source), out, overwrite=True)

    assert contents(out) == contents(tmp_path / "new")


def test_a_dataset_stays_until_there_is_a_new_one(source, out):
    make_corpus(source)
    prepare(crema_d(source), out)
    before = contents(out)
    for path in source.glob("*.wav"):
        soundfile.write(path, np.zeros(16_000), 16_000)

    with pytest.raises(UserError, match="none of the 36 clips is usable"):
        prepare(crema_d(source), out, overwrite=True)
    assert contents(out) == before


def test_identical_audio_in_two_splits_is_reported(source, out):
    make_corpus(source)
    (source / "1015_IEO_ANG_XX.wav").write_bytes((source / "1001_IEO_ANG_XX.wav").read_bytes())

    summary = prepare(crema_d(source), out)

    (leak,) = summary.leaks
    assert leak.names == ("crema_d/1001_IEO_ANG_XX", "crema_d/1015_IEO_ANG_XX")
    assert leak.values == ("train", "validation")
    assert summary.contradictions == ()


def test_a_second_run_tells_what_has_changed_around_the_clips(tmp_path, out):
    for number in range(3):
        write_clip(tmp_path / f"{number}.wav", seed=number)
    lines = ["path,emotion,speaker", *(f"{number}.wav,anger,S{number}" for number in range(3))]
    manifest = tmp_path / "clips.csv"
    manifest.write_text("\n".join(lines))
    sources = [(open_corpus("manifest"), manifest)]
    first = prepare(sources, out)
    manifest.write_text("\n".join([*lines, "4.wav,anger,S4"]))

    second = prepare(sources, out)

    assert (first.set_aside, second.unchanged) == ((), True)
    assert [clip.file for clip in second.set_aside] == ["clips.csv line 5"]
    assert second.dataset.fingerprint == first.dataset.fingerprint
    assert prepare(sources, out).set_aside == second.set_aside


def test_a_folder_without_a_name_is_refused(source):
    make_corpus(source, actors=("1001",))

    with pytest.raises(UserError, match="folder has no name"):
        prepare(crema_d(source), "")


def test_two_runs_do_not_write_to_one_folder(source, out):
    make_corpus(source, actors=[str(actor) for actor in range(1001, 1031)])

    with start_run(source, out) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(UserError, match="another run is writing"):
                prepare(crema_d(source), out)
        finally:
            process.send_signal(signal.SIGCONT)
        process.stdout.read()
    assert process.returncode == 0
    assert prepare(crema_d(source), out, overwrite=True).dataset.splits


FULL_DISK = """
import resource, signal, sys
from data_pipeline.corpora import open_corpus
from data_pipeline.errors import UserError
from data_pipeline.prepare.job import prepare

if __name__ == "__main__":
    # A limit on file size stands in for a full disk.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    try:
        prepare([(open_corpus("crema_d"), sys.argv[1])], sys.argv[2])
    except UserError as error:
        print(error)
"""


def test_a_full_disk_is_named_and_the_run_can_go_on(source, out, tmp_path):
    make_corpus(source)
    prepare(crema_d(source), tmp_path / "uninterrupted")

    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(source), str(out)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ".tfrecord cannot be written" in done.stdout
    prepare(crema_d(source), out)
    assert contents(out) == contents(tmp_path / "uninterrupted")


def test_the_whole_of_real_crema_d(speech_data, out):
    summary = prepare(crema_d(speech_data / "crema_d"), out)

    train, validation = summary.dataset.split("train"), summary.dataset.split("validation")
    assert (len(train.speakers), len(validation.speakers)) == (63, 9)
    assert (train.clips, validation.clips) == (5_145, 738)
    assert [Path(clip.file).stem for clip in summary.set_aside] == ["1076_MTI_SAD_XX"]
    assert summary.set_aside[0].reason.startswith("is silent")
    pairs = [
        ("crema_d/1006_TIE_HAP_XX", "crema_d/1006_TIE_NEU_XX"),
        ("crema_d/1013_WSI_DIS_XX", "crema_d/1013_WSI_SAD_XX"),
        ("crema_d/1017_IWW_ANG_XX", "crema_d/1017_IWW_FEA_XX"),
    ]
    # 1013 is a test actor, and not every copy of the corpus has those.
    actors = {speaker for split in summary.dataset.splits.values() for speaker in split.speakers}
    assert [group.names for group in summary.contradictions] == [
        pair for pair in pairs if pair[0][: len("crema_d/1013")] in actors
    ]
