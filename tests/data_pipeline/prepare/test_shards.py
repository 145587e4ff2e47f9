"""Shards: whatever is wrong with one clip, it is set aside with a reason, by `prepare` as by `check`."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_pipeline.corpora import open_corpus
from data_pipeline.prepare import shards
from data_pipeline.prepare.job import prepare
from data_pipeline.quality.check import check
from data_pipeline.quality.check_files import write
from tests.voice import voice

NOT_UTF8 = "has a name that is not UTF-8: rename it"


def speech(seconds: float = 0.5, rate: int = 8_000, seed: int = 0) -> np.ndarray:
    return voice(seconds, rate, seed=seed)


@pytest.fixture
def folder(tmp_path):
    """A corpus of two good clips in folders of emotions."""
    for seed, emotion in enumerate(("angry", "sad")):
        (tmp_path / "corpus" / emotion).mkdir(parents=True)
        soundfile.write(tmp_path / "corpus" / emotion / "good.wav", speech(seed=seed), 8_000)
    return tmp_path / "corpus"


def test_calls_in_gsm_are_prepared_and_pass_the_check(folder, tmp_path):
    soundfile.write(folder / "sad" / "call.wav", speech(seed=2), 8_000, subtype="GSM610")
    soundfile.write(folder / "sad" / "switchboard.wav", speech(seed=3), 8_000, subtype="G721_32")

    summary = prepare([(open_corpus("folders"), folder)], tmp_path / "data", split="random", workers=1)
    checked = check([str(folder)], workers=1)

    assert summary.set_aside == ()
    assert sum(split.clips for split in summary.dataset.splits.values()) == 4
    assert [measurement.failure for measurement in checked.measurements] == [""] * 4


def test_a_name_that_is_not_utf_8_is_set_aside_and_told(folder, tmp_path):
    odd = os.fsdecode(os.fsencode(folder) + b"/angry/caf\xe9.wav")
    (folder / "angry" / "good.wav").rename(odd)
    soundfile.write(folder / "angry" / "good.wav", speech(seed=2), 8_000)

    summary = prepare([(open_corpus("folders"), folder)], tmp_path / "data", split="random", workers=1)
    checked = check([str(folder)], workers=1)
    page = write(checked, tmp_path / "check")

    assert [(clip.file, clip.reason) for clip in summary.set_aside] == [("angry/caf\ufffde9.wav", NOT_UTF8)]
    assert [measurement.failure for measurement in checked.measurements if measurement.failure] == [NOT_UTF8]
    assert NOT_UTF8 in page.read_text(encoding="utf-8")


def test_a_time_past_the_end_of_the_file_is_set_aside(folder, tmp_path):
    manifest = tmp_path / "calls.csv"
    lines = (
        "path,emotion,speaker,start,end",
        "corpus/angry/good.wav,anger,a,0.3,99",
        "corpus/sad/good.wav,sadness,b,0.1,0.5",
    )
    manifest.write_text("\n".join(lines))

    summary = prepare([(open_corpus("manifest"), manifest)], tmp_path / "data", split="random", workers=1)
    checked = check([f"manifest={manifest}"], workers=1)

    reason = "lasts 0.50 s and ends before 99 s, where this clip should"
    assert [clip.reason for clip in summary.set_aside] == [reason]
    assert [finding.detail for finding in checked.findings] == [reason]


def test_what_nobody_foresaw_in_a_clip_does_not_end_the_job(folder, tmp_path, monkeypatch):
    def decode(location: str, *arguments: float, **options: bool) -> np.ndarray:
        if "angry" in Path(location).parts:
            raise ValueError("no such luck")
        return pcm(location, *arguments, **options)

    pcm = shards.decode_utterance
    monkeypatch.setattr(shards, "decode_utterance", decode)
    (clip,) = (clip for clip in open_corpus("folders").read(str(folder)).clips if clip.emotion == "anger")
    (other,) = (clip for clip in open_corpus("folders").read(str(folder)).clips if clip.emotion == "sadness")
    shard = shards.Shard("train-00000-of-00001.tfrecord", "train", (clip, other))

    result = shards.ShardTask(shard, str(tmp_path), str(tmp_path)).run()

    assert [one.reason for one in result.set_aside] == ["cannot be converted (ValueError: no such luck)"]
    assert [one.name for one in result.written] == ["folders/sad/good"]
