from pathlib import Path

import pytest

from data_pipeline.errors import UserError
from serving.model_repository import layout


def write_nothing_much(version: Path) -> None:
    (version / "saved_model.pb").write_bytes(b"")


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "models" / "ser"


def test_versions_count_from_one(folder):
    assert [layout.publish(folder, write_nothing_much).name for _ in range(3)] == ["1", "2", "3"]
    assert list(layout.servable_folders(folder.parent, "ser")) == [1, 2, 3]


def test_the_next_version_follows_the_highest_even_one_that_cannot_be_loaded(folder):
    for name in ("3", "0007", "12.bak", "-20", "²", ".unfinished-99", "latest"):
        (folder / name).mkdir(parents=True)
    (folder / "50").write_text("a file, no version")
    assert layout.publish(folder, write_nothing_much).name == "8"
    assert list(layout.servable_folders(folder.parent, "ser")) == [8]


def test_versions_are_ordered_as_numbers(folder):
    for name in ("10", "9", "100"):
        (folder / name).mkdir(parents=True)
        write_nothing_much(folder / name)
    assert list(layout.servable_folders(folder.parent, "ser")) == [9, 10, 100]
    assert layout.servable_folders(folder.parent, "ser")[10] == folder / "10"


def test_a_version_is_out_of_sight_until_it_is_whole(folder):
    def write(version: Path) -> None:
        write_nothing_much(version)
        assert version.parent == folder, "a rename must not cross file systems"
        assert layout.versions(folder) == {}
        assert not version.name.isdigit()

    layout.publish(folder, write)
    assert [entry.name for entry in folder.iterdir()] == ["1"]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_version_that_fails_leaves_nothing_behind(folder, error):
    def write(version: Path) -> None:
        write_nothing_much(version)
        raise error

    with pytest.raises(type(error)):
        layout.publish(folder, write)
    assert list(folder.parent.iterdir()) == []
    layout.publish(folder, write_nothing_much)
    with pytest.raises(type(error)):
        layout.publish(folder, write)
    assert [entry.name for entry in folder.iterdir()] == ["1"]


def test_an_export_that_is_overtaken_takes_the_next_number(folder):
    def write(version: Path) -> None:
        write_nothing_much(version)
        layout.publish(folder, write_nothing_much)

    assert layout.publish(folder, write).name == "2"


def test_a_number_taken_between_look_and_rename_is_passed_over(folder, monkeypatch):
    layout.publish(folder, write_nothing_much)
    look = layout.versions
    looks = iter([lambda _: {}, look])
    monkeypatch.setattr(layout, "versions", lambda place: next(looks)(place))
    assert layout.publish(folder, write_nothing_much).name == "2"
    assert (folder / "1" / "saved_model.pb").exists()


@pytest.mark.parametrize("name", ["ser", "SER-2", "a.b_c", "1"])
def test_names_that_can_be_folders_words_and_addresses(tmp_path, name):
    assert layout.model_folder(tmp_path, name) == tmp_path / name


@pytest.mark.parametrize("name", ["", ".", "..", "../ser", "a/b", ".hidden", "-x", "with space", "naïve", "a\n"])
def test_other_names_are_refused(tmp_path, name):
    with pytest.raises(UserError, match="cannot be the name of a model"):
        layout.model_folder(tmp_path, name)


def test_a_missing_repository_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no model repository at .*nowhere.*`ser export"):
        layout.servable_folders(tmp_path / "nowhere", "ser")


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no model 'ser'.*`ser export RUN .* --name ser`"):
        layout.servable_folders(tmp_path, "ser")


def test_a_model_folder_without_versions_is_named(folder):
    (folder / "1").mkdir(parents=True)
    with pytest.raises(UserError, match=r"models/ser has no version .*`ser export"):
        layout.servable_folders(folder.parent, "ser")
