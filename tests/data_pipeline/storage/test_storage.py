"""Storage: the same promises for files of this machine and for those of a remote store."""

import os
from pathlib import Path

import pytest

from data_pipeline.errors import UserError
from data_pipeline.storage import join, storage_for


@pytest.fixture(params=["local", "bucket"])
def folder(request, tmp_path, monkeypatch):
    """A folder in each kind of storage."""
    if request.param == "local":
        return str(tmp_path / "store")
    pytest.importorskip("apache_beam")
    from tests.data_pipeline.storage import bucket

    monkeypatch.setenv(bucket.ROOT_VARIABLE, str(tmp_path))
    return "bucket://store"


def write(folder: str, name: str, content: bytes) -> str:
    storage, location = storage_for(folder), join(folder, name)
    storage.make_folder(location.rpartition("/")[0])
    with storage.replacing(location) as file:
        file.write(content)
    return location


def test_what_is_written_is_read(folder):
    location = write(folder, "deep/er/a.bin", b"\x00\x01")

    assert storage_for(folder).read(location) == b"\x00\x01"


def test_the_beginning_of_a_file_is_read(folder):
    location = write(folder, "a.bin", b"12345")

    assert storage_for(folder).read(location, 3) == b"123"
    assert storage_for(folder).read(location, 9) == b"12345"


def test_a_file_is_replaced(folder):
    write(folder, "a.bin", b"old")
    location = write(folder, "a.bin", b"new one")

    assert storage_for(folder).read(location) == b"new one"
    assert [file.name for file in storage_for(folder).walk(folder, hidden=True)] == ["a.bin"]


def test_what_fails_leaves_the_old_file_and_nothing_else(folder):
    location = write(folder, "a.bin", b"old")

    def fail() -> None:
        with storage_for(folder).replacing(location) as file:
            file.write(b"half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert storage_for(folder).read(location) == b"old"
    assert [file.name for file in storage_for(folder).walk(folder, hidden=True)] == ["a.bin"]


def test_a_walk_finds_every_file_with_its_size_by_name(folder):
    for name in ("b/c.wav", "a.wav", ".hidden/d.wav", "b/.e.wav", "__MACOSX/a.wav", "b/f*[1]?.wav"):
        write(folder, name, name.encode())
    storage = storage_for(folder)

    files = storage.walk(folder)

    assert [file.name for file in files] == ["a.wav", "b/c.wav", "b/f*[1]?.wav"]
    assert [file.size for file in files] == [5, 7, 12]
    assert all(storage.read(file.location) == file.name.encode() for file in files)
    assert all(file.changed > 0 for file in files)
    assert len(storage.walk(folder, hidden=True)) == 6
    assert storage.walk(join(folder, "nowhere")) == []


def test_files_are_looked_up_whatever_signs_are_in_their_names(folder):
    there = [write(folder, name, b"123") for name in ("a.wav", "b[1].wav", "c*.wav", "d?.wav", "e f.wav")]
    storage = storage_for(folder)

    found = storage.look_up([*there, join(folder, "f.wav")])

    assert sorted(found) == sorted(there)
    assert {file.size for file in found.values()} == {3}
    assert storage.look_up([]) == {}


def test_a_name_in_another_normal_form_is_the_same_name(folder):
    composed, decomposed = (join(folder, f"{name}.wav") for name in ("caf\u00e9", "cafe\u0301"))
    location = write(folder, "cafe\u0301.wav", b"123")
    storage = storage_for(folder)

    (found,) = storage.look_up([composed]).values()
    assert found.location == location == decomposed
    storage.delete([composed])
    assert list(storage.look_up([composed])) == [composed]

    write(folder, "caf\u00e9.wav", b"1")
    assert storage.look_up([composed])[composed].size == 1


def test_kinds(folder):
    location = write(folder, "a/b.wav", b"1")
    storage = storage_for(folder)

    assert storage.kind(location) == "file"
    assert storage.kind(join(folder, "a")) == "folder"
    assert storage.kind(join(folder, "c")) == ""


def test_files_and_folders_are_deleted(folder):
    first, second = write(folder, "a/b.wav", b"1"), write(folder, "a/c.wav", b"2")
    storage = storage_for(folder)

    storage.delete([first, join(folder, "gone.wav")])
    assert [file.location for file in storage.walk(folder)] == [second]
    storage.remove_folder(join(folder, "a"))
    storage.remove_folder(join(folder, "a"))
    assert storage.walk(folder) == []


def test_a_missing_file_is_named(folder):
    write(folder, "a.wav", b"1")

    with pytest.raises(UserError, match=r"gone\.wav cannot be read"):
        storage_for(folder).read(join(folder, "gone.wav"))


def test_links_are_followed_and_loops_end(tmp_path):
    (tmp_path / "store" / "inner").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.wav").touch()
    (tmp_path / "store" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "store" / "inner" / "loop").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "dead.wav").symlink_to(tmp_path / "nowhere")

    files = storage_for(str(tmp_path)).walk(str(tmp_path / "store"))

    assert [file.name for file in files] == ["dead.wav", "linked/a.wav"]


def test_names_that_are_not_utf_8_are_listed_apart_and_printable(tmp_path):
    for name in (b"caf\xe9/a.wav", b"caf\xe8/a.wav", "café/a.wav".encode()):
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        path.parent.mkdir()
        path.touch()

    files = storage_for(str(tmp_path)).walk(str(tmp_path))

    assert sorted(file.name for file in files) == ["café/a.wav", "caf\ufffde8/a.wav", "caf\ufffde9/a.wav"]
    assert [file.location for file in files] == [f"{tmp_path}/{file.name}" for file in files]
    assert [Path(file.location).exists() for file in files].count(True) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path):
    (tmp_path / "locked").mkdir(mode=0)

    with pytest.raises(UserError, match="locked cannot be read"):
        storage_for(str(tmp_path)).walk(str(tmp_path))


def test_a_scheme_that_nobody_knows_is_refused():
    pytest.importorskip("apache_beam")

    with pytest.raises(UserError, match=r"nowhere://folder cannot be reached.*nowhere://"):
        storage_for("nowhere://folder")


def test_without_beam_a_url_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "apache_beam.io.filesystems", None)

    with pytest.raises(UserError, match=r"gs://bucket needs Apache Beam.*pip install apache-beam"):
        storage_for("gs://bucket")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    Path(tmp_path / "file").touch()

    with pytest.raises(UserError, match="file/a cannot be made"):
        storage_for(str(tmp_path)).make_folder(str(tmp_path / "file" / "a"))
