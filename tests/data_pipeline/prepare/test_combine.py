import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from data_pipeline import input_pipeline
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.prepare.combine import combine
from tests.data_pipeline.prepared import write_dataset

SPLITS = {
    "synthetic/train0": "train",
    "synthetic/train1": "test",
    "synthetic/validation0": "validation",
    "synthetic/validation1": "train",
}


@pytest.fixture(scope="module")
def old(tmp_path_factory) -> Dataset:
    return write_dataset(tmp_path_factory.mktemp("old"), train=36, validation=18)


@pytest.fixture(scope="module")
def new(tmp_path_factory) -> Dataset:
    """The first half of the old training clips, said anew, and others."""
    return write_dataset(tmp_path_factory.mktemp("new"), train=18, validation=24, seconds=(0.5, 0.6))


def names(dataset: Dataset, split: str) -> list[str]:
    return sorted(input_pipeline.descriptions(dataset, split)["name"])


def test_speakers_go_where_they_are_put_and_others_are_left_out(old, tmp_path):
    combined = combine([old], tmp_path / "data", SPLITS)
    assert {name: split.speakers for name, split in combined.splits.items()} == {
        "train": ("synthetic/train0", "synthetic/validation1"),
        "validation": ("synthetic/validation0",),
        "test": ("synthetic/train1",),
    }
    known = input_pipeline.descriptions(old, "train")
    assert names(combined, "test") == sorted(known["name"][known["speaker"] == "synthetic/train1"])
    for name, split in combined.splits.items():
        found = input_pipeline.descriptions(combined, name)
        assert split.clips == len(found["name"])
        assert sum(split.emotions.values()) == split.clips
        assert split.seconds == pytest.approx(found["num_samples"].sum() / 16_000, abs=1e-3)


def test_a_clip_of_several_datasets_is_taken_from_the_last(old, new, tmp_path):
    forth = combine([old, new], tmp_path / "forth", SPLITS)
    back = combine([new, old], tmp_path / "back", SPLITS)
    assert names(forth, "train") == names(back, "train"), "each clip once"
    assert len(set(names(forth, "train"))) == len(names(forth, "train"))
    samples = {
        key: dict(zip(known["name"], known["num_samples"], strict=True))
        for key, data in (("old", old), ("new", new), ("forth", forth), ("back", back))
        for known in [input_pipeline.descriptions(data, "train")]
    }
    shared = set(samples["old"]) & set(samples["new"]) & set(samples["forth"])
    assert shared
    assert {name: samples["forth"][name] for name in shared} == {name: samples["new"][name] for name in shared}
    assert {name: samples["back"][name] for name in shared} == {name: samples["old"][name] for name in shared}


def test_waveforms_come_through_unchanged(old, tmp_path):
    combined = combine([old], tmp_path / "data", SPLITS)

    def loudest(dataset, split):
        known = input_pipeline.descriptions(dataset, split)["name"]
        clips = input_pipeline.waveforms(dataset, split, batch_size=1).as_numpy_iterator()
        return {name: features["waveform"][0] for name, (features, _) in zip(known, clips, strict=True)}

    before, after = loudest(old, "train"), loudest(combined, "test")
    for name, waveform in after.items():
        np.testing.assert_array_equal(waveform, before[name])


def test_what_is_there_already_is_not_written_again(old, new, tmp_path):
    first = combine([old, new], tmp_path / "data", SPLITS)
    before = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    assert combine([old, new], tmp_path / "data", SPLITS) == first
    assert {path: path.stat().st_mtime_ns for path in first.folder.iterdir()} == before
    with pytest.raises(UserError, match="holds another dataset"):
        combine([old], tmp_path / "data", SPLITS)


def test_what_was_cut_off_is_written_again(old, tmp_path):
    whole = combine([old], tmp_path / "data", SPLITS)
    shutil.copytree(whole.folder, tmp_path / "cut")
    (tmp_path / "cut" / "dataset.json").unlink()
    (tmp_path / "cut" / whole.splits["train"].shards[0]).write_bytes(b"half")
    assert replace(combine([old], tmp_path / "cut", SPLITS), folder=whole.folder) == whole


def test_equal_data_have_equal_fingerprints_and_others_do_not(old, new, tmp_path):
    moved = {**SPLITS, "synthetic/train1": "train"}
    prints = [
        combine(parts, tmp_path / str(number), splits).fingerprint
        for number, (parts, splits) in enumerate(
            [([old], SPLITS), ([old], SPLITS), ([old], moved), ([old, new], SPLITS)]
        )
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_it_notes_what_it_is_made_of(old, new, tmp_path):
    combined = combine([old, new], tmp_path / "data", SPLITS)
    content = json.loads((combined.folder / "dataset.json").read_text())
    assert [part["folder"] for part in content["combined"]["parts"]] == [str(old.folder), str(new.folder)]
    assert combined.synthetic
    assert combined.split_kind == "speaker"
