"""Files that appear whole or not at all."""

import os
import stat

import pytest

from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import replacing, write_text


def test_a_file_appears_when_the_block_ends(tmp_path):
    with replacing(tmp_path / "clip.wav") as part:
        part.write_bytes(b"new")
        assert part.suffix == ".wav"
        assert not (tmp_path / "clip.wav").exists()

    assert [path.name for path in tmp_path.iterdir()] == ["clip.wav"]
    assert (tmp_path / "clip.wav").read_bytes() == b"new"


class Interruption(Exception):
    pass


def test_the_old_file_survives_a_failing_block_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "labels.json"
    path.write_text("old")

    def fail():
        with replacing(path) as part:
            part.write_text("half of the n")
            raise Interruption

    with pytest.raises(Interruption):
        fail()

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_system_error_in_the_block_names_the_file(tmp_path):
    path = tmp_path / "labels.json"
    path.write_text("old")

    with pytest.raises(UserError, match=r"labels\.json cannot be written \(No space left on device\)"), replacing(path):
        raise OSError(28, "No space left on device")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_at_a_time_do_not_mix(tmp_path):
    path = tmp_path / "metrics.json"
    with replacing(path) as first, replacing(path) as second:
        first.write_text("first")
        second.write_text("second")
        assert first != second

    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_utf_8_and_replaces_what_was_there(tmp_path):
    path = tmp_path / "notes.txt"
    write_text(path, "a much longer text than the one after it")
    write_text(path, "µ-law")

    assert path.read_bytes() == "µ-law".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere/notes\.txt cannot be written \(No such file or directory\)"):
        write_text(tmp_path / "nowhere" / "notes.txt", "text")
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "notes.txt").mkdir()

    with pytest.raises(UserError, match=r"notes\.txt cannot be written"):
        write_text(tmp_path / "notes.txt", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_everyone_may_read_the_file_and_its_owner_write_it(tmp_path):
    before = os.umask(0o022)
    try:
        write_text(tmp_path / "notes.txt", "text")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "notes.txt").stat().st_mode) == 0o644
