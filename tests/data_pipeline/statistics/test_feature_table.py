import dataclasses

import numpy as np
import pytest

from data_pipeline.errors import UserError
from data_pipeline.statistics import FEATURE_SETS, SEQUENCE, feature_table
from tests.data_pipeline.prepared import write_dataset

FUNCTIONALS = FEATURE_SETS["functionals"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data"), train=36, validation=18)


def test_has_a_row_a_clip_with_what_is_known_of_it(dataset, tmp_path):
    table = feature_table(dataset, FUNCTIONALS, tmp_path, workers=1)

    assert table.values.shape == (54, len(FUNCTIONALS.names))
    assert table.values.dtype == np.float32
    assert table.names == FUNCTIONALS.names
    assert table.families == FUNCTIONALS.families
    assert list(table.splits) == ["train"] * 36 + ["validation"] * 18
    assert table.clips[0] == "train_0"
    assert table.speakers[0] == "synthetic/train0"
    assert table.emotions[0] == "anger"
    assert 0 < table.seconds_per_clip < 1


def test_does_not_depend_on_the_number_of_processes(dataset, tmp_path):
    one = feature_table(dataset, FUNCTIONALS, tmp_path / "one", workers=1)
    two = feature_table(dataset, FUNCTIONALS, tmp_path / "two", workers=2)

    assert np.array_equal(one.values, two.values)
    assert np.array_equal(one.clips, two.clips)


def test_is_found_again_in_the_cache(dataset, tmp_path, monkeypatch):
    made = feature_table(dataset, FUNCTIONALS, tmp_path, workers=1)

    (file,) = tmp_path.iterdir()
    before = file.stat().st_mtime_ns
    found = feature_table(dataset, FUNCTIONALS, tmp_path, workers=1)

    assert file.stat().st_mtime_ns == before
    assert np.array_equal(made.values, found.values)
    assert np.array_equal(made.emotions, found.emotions)
    assert made.seconds_per_clip == found.seconds_per_clip


@pytest.mark.parametrize("change", ["fingerprint", "version"])
def test_other_data_and_another_version_are_extracted_anew(dataset, tmp_path, change):
    feature_table(dataset, FUNCTIONALS, tmp_path, workers=1)
    if change == "fingerprint":
        feature_table(dataclasses.replace(dataset, fingerprint="another"), FUNCTIONALS, tmp_path, workers=1)
    else:
        feature_table(dataset, dataclasses.replace(FUNCTIONALS, version=10_000), tmp_path, workers=1)

    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_cache_is_written_again(dataset, tmp_path):
    made = feature_table(dataset, FUNCTIONALS, tmp_path, workers=1)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:5_000])

    again = feature_table(dataset, FUNCTIONALS, tmp_path, workers=1)

    assert np.array_equal(made.values, again.values)


def test_sequences_have_a_matrix_a_clip(dataset, tmp_path):
    table = feature_table(dataset, SEQUENCE, tmp_path, workers=1)

    sequences = table.sequences()
    assert len(sequences) == 54
    assert [len(sequence) for sequence in sequences] == list(table.lengths)
    assert np.array_equal(np.concatenate(sequences), table.values)
    assert sequences[0].shape[1] == len(SEQUENCE.names)


def test_progress_goes_up_to_all_clips(dataset, tmp_path):
    told = []
    feature_table(dataset, FUNCTIONALS, tmp_path, workers=1, on_progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (54, 54)
    assert told == sorted(told)


def test_a_cache_that_cannot_be_made_is_one_sentence(dataset, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(UserError, match="cache"):
        feature_table(dataset, FUNCTIONALS, tmp_path / "file" / "cache", workers=1)
