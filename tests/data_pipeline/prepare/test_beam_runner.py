"""`prepare` as a Beam pipeline: the same records, from and to places that only Beam reaches."""

import itertools
import json

import pytest
import soundfile

from data_pipeline.corpora import open_corpus
from data_pipeline.errors import UserError
from data_pipeline.prepare.job import prepare

pytest.importorskip("apache_beam")

from data_pipeline.prepare.beam_runner import beam_writer
from data_pipeline.prepare.output_folder import OutputFolder
from tests.data_pipeline.storage import bucket
from tests.voice import voice


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A tiny CREMA-D in a folder that is a bucket as well, with one clip that is none."""
    monkeypatch.setattr("data_pipeline.prepare.plan.CLIPS_PER_SHARD", 4)
    monkeypatch.setenv(bucket.ROOT_VARIABLE, str(tmp_path))
    folder = tmp_path / "corpus" / "AudioWAV"
    folder.mkdir(parents=True)
    seeds = itertools.count()
    for actor in ("1001", "1002", "1015"):
        for emotion in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"):
            soundfile.write(folder / f"{actor}_IEO_{emotion}_XX.wav", voice(0.5, seed=next(seeds)), 16_000)
    (folder / "1001_DFA_SAD_XX.wav").write_text("not audio")
    return tmp_path / "corpus"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def run(source: str, out: str, **options):
    return prepare(
        [(open_corpus("crema_d"), source)],
        out,
        write_shards=beam_writer("DirectRunner", [], OutputFolder(out)),
        **options,
    )


def test_a_pipeline_writes_what_the_pool_writes(corpus, tmp_path):
    prepare([(open_corpus("crema_d"), corpus)], tmp_path / "pool")

    summary = run(str(corpus), str(tmp_path / "beam"))

    assert contents(tmp_path / "beam") == contents(tmp_path / "pool")
    assert [clip.file for clip in summary.set_aside] == ["AudioWAV/1001_DFA_SAD_XX.wav"]


def test_from_bucket_to_bucket(corpus, tmp_path):
    prepare([(open_corpus("crema_d"), corpus)], tmp_path / "pool")

    first = run("bucket://corpus", "bucket://out")
    second = run("bucket://corpus", "bucket://out")

    assert (first.location, first.unchanged, second.unchanged) == ("bucket://out", False, True)
    ours, pools = contents(tmp_path / "out"), contents(tmp_path / "pool")
    place = json.loads(ours.pop("dataset.json"))["sources"][0]["place"]
    del pools["dataset.json"]
    assert place == "bucket://corpus"
    assert ours == pools
    assert first.dataset.fingerprint == json.loads((tmp_path / "pool" / "dataset.json").read_text())["fingerprint"]


def test_a_pipeline_goes_on_where_another_stopped(corpus, tmp_path):
    run("bucket://corpus", "bucket://whole")
    run("bucket://corpus", "bucket://out")
    out = tmp_path / "out"
    # As a killed run leaves it: some shards with their notes, no description.
    (out / "dataset.json").unlink()
    (out / ".unfinished").mkdir(exist_ok=True)
    (out / ".unfinished" / "begun").touch()
    (out / ".unfinished" / "train-00000-of-00003.tfrecord.part-0123456789abcdef0123456789abcdef").touch()

    run("bucket://corpus", "bucket://out")

    assert contents(out) == contents(tmp_path / "whole")


def test_another_folder_of_a_bucket_is_left_alone(corpus, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")

    with pytest.raises(UserError, match="not empty and holds no dataset"):
        run("bucket://corpus", "bucket://out")
    assert contents(tmp_path / "out") == {"thesis.tex": b"mine"}


def test_options_that_beam_does_not_know_are_refused(tmp_path):
    with pytest.raises(UserError, match="does not know the option bogus"):
        beam_writer("DirectRunner", ["--bogus=1"], OutputFolder(str(tmp_path)))
    with pytest.raises(UserError, match="SparkleRunner cannot be used"):
        beam_writer("SparkleRunner", [], OutputFolder(str(tmp_path)))


def test_a_pipeline_that_fails_is_an_error_for_the_user(corpus, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(UserError):
        run(str(corpus), str(tmp_path / "file" / "out"))


def test_without_beam_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "apache_beam.runners", None)

    with pytest.raises(UserError, match=r"--runner needs Apache Beam.*\[beam\]"):
        beam_writer("DirectRunner", [], OutputFolder(str(tmp_path)))
