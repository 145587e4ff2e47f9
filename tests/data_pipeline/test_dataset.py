"""Opening a prepared dataset: what `dataset.json` says, or one sentence that says what is wrong."""

import json
from typing import Any

import pytest

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError

CONTENT: dict[str, Any] = {
    "format": 2,
    "emotions": ["anger", "fear"],
    "corpora": ["crema_d"],
    "speakers_unknown": 4,
    "synthetic": False,
    "split": "speaker",
    "fingerprint": "abc",
    "splits": {
        "train": {
            "clips": 3,
            "seconds": 4.5,
            "speakers": ["crema_d/1001", "crema_d/1002"],
            "emotions": {"anger": 2, "fear": 1},
            "shards": ["train-00000-of-00001.tfrecord"],
            "shard_bytes": {"train-00000-of-00001.tfrecord": 5},
            "clips_with_votes": 2,
        }
    },
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "dataset.json").write_text(json.dumps(CONTENT))
    (tmp_path / "train-00000-of-00001.tfrecord").write_bytes(b"12345")
    return tmp_path


def test_it_says_what_the_file_says(folder):
    dataset = Dataset.open(folder)

    assert dataset.folder == folder
    assert dataset.emotions == ("anger", "fear")
    assert dataset.speakers_unknown == 4
    assert dataset.corpora == ("crema_d",)
    assert dataset.synthetic is False
    assert dataset.split_kind == "speaker"
    assert dataset.fingerprint == "abc"
    split = dataset.split("train")
    assert (split.clips, split.seconds) == (3, 4.5)
    assert split.speakers == ("crema_d/1001", "crema_d/1002")
    assert split.emotions == {"anger": 2, "fear": 1}
    assert split.shards == ("train-00000-of-00001.tfrecord",)
    assert split.shard_bytes == {"train-00000-of-00001.tfrecord": 5}
    assert split.voted == 2


def test_all_splits_are_taken_together(folder):
    content = json.loads((folder / "dataset.json").read_text())
    content["splits"]["validation"] = {
        "clips": 2,
        "seconds": 1.5,
        "speakers": ["crema_d/1000"],
        "emotions": {"fear": 2},
        "shards": ["validation-00000-of-00001.tfrecord"],
        "shard_bytes": {"validation-00000-of-00001.tfrecord": 3},
        "clips_with_votes": 1,
    }
    (folder / "dataset.json").write_text(json.dumps(content))
    (folder / "validation-00000-of-00001.tfrecord").write_bytes(b"123")
    split = Dataset.open(folder).split("all")
    assert (split.clips, split.seconds, split.voted) == (5, 6.0, 3)
    assert split.speakers == ("crema_d/1000", "crema_d/1001", "crema_d/1002")
    assert split.emotions == {"anger": 2, "fear": 3}
    assert split.shards == ("train-00000-of-00001.tfrecord", "validation-00000-of-00001.tfrecord")
    assert split.shard_bytes == {"train-00000-of-00001.tfrecord": 5, "validation-00000-of-00001.tfrecord": 3}


def test_a_split_without_clips_is_refused_with_those_there_are(folder):
    with pytest.raises(UserError, match="no test clips; its splits are train"):
        Dataset.open(folder).split("test")


@pytest.mark.parametrize("kind", ["missing", "empty", "file"])
def test_a_folder_without_a_dataset(tmp_path, kind):
    folder = tmp_path / "data"
    if kind == "empty":
        folder.mkdir()
    if kind == "file":
        folder.touch()

    with pytest.raises(UserError, match=r"data holds no prepared dataset.*ser data prepare"):
        Dataset.open(folder)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[1]", b'"format"', b"null", b'{"format": 1}', b'{"splits": {}}', b'{"labels": "\xe9"}']
)
def test_a_broken_or_foreign_description(folder, text):
    (folder / "dataset.json").write_bytes(text)

    with pytest.raises(UserError, match=r"dataset\.json is not .*prepare"):
        Dataset.open(folder)


def test_a_missing_shard_is_named(folder):
    (folder / "train-00000-of-00001.tfrecord").unlink()

    with pytest.raises(UserError, match=r"train-00000-of-00001\.tfrecord is missing: prepare the dataset again"):
        Dataset.open(folder)


@pytest.mark.parametrize("content", [b"1234", b"123456", b""])
def test_a_shard_of_another_size_is_named(folder, content):
    (folder / "train-00000-of-00001.tfrecord").write_bytes(content)

    with pytest.raises(
        UserError, match=r"train-00000-of-00001\.tfrecord is damaged or incomplete: prepare the dataset"
    ):
        Dataset.open(folder)


@pytest.mark.parametrize(
    "splits", [None, [], {"train": []}, {"train": {**CONTENT["splits"]["train"], "shard_bytes": 5}}]
)
def test_a_garbled_field_is_an_error_for_the_user(folder, splits):
    (folder / "dataset.json").write_text(json.dumps({**CONTENT, "splits": splits}))

    with pytest.raises(UserError, match=r"dataset\.json is garbled .*prepare the dataset again"):
        Dataset.open(folder)


@pytest.mark.parametrize("key", sorted(CONTENT["splits"]["train"]))
def test_a_missing_field_of_a_split_is_named(folder, key):
    split = {name: value for name, value in CONTENT["splits"]["train"].items() if name != key}
    (folder / "dataset.json").write_text(json.dumps({**CONTENT, "splits": {"train": split}}))

    with pytest.raises(UserError, match=rf"dataset\.json lacks the field '{key}': prepare the dataset again"):
        Dataset.open(folder)


@pytest.mark.parametrize("key", sorted(CONTENT.keys() - {"format"}))
def test_a_missing_field_is_named(folder, key):
    (folder / "dataset.json").write_text(json.dumps({name: CONTENT[name] for name in CONTENT if name != key}))

    with pytest.raises(UserError, match=rf"dataset\.json .*{key}"):
        Dataset.open(folder)
