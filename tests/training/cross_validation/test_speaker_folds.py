from dataclasses import replace

import numpy as np
import pytest

from data_pipeline.errors import UserError
from data_pipeline.targets import Target
from tests.data_pipeline.prepared import write_dataset
from training.cross_validation.speaker_folds import describe_folds, fold_numbers, speaker_folds, write_fold


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(
        tmp_path_factory.mktemp("dataset"), train=48, validation=12, test=12, speakers=4, seconds=(0.1, 0.2)
    )


def test_every_training_speaker_validates_in_one_fold_and_trains_in_the_others(dataset):
    speakers = dataset.split("train").speakers
    folds = speaker_folds(dataset, 3, Target())
    for speaker in speakers:
        assert sorted(fold[speaker] for fold in folds) == ["train", "train", "validation"]
    assert all(set(fold) == set(speakers) for fold in folds)
    numbers = fold_numbers(folds, np.array(speakers))
    assert set(numbers) == {1, 2, 3}
    assert all(folds[number - 1][speaker] == "validation" for speaker, number in zip(speakers, numbers, strict=True))


def test_the_dataset_of_a_fold_has_the_training_clips_alone(dataset, tmp_path):
    fold = speaker_folds(dataset, 2, Target())[0]
    written = write_fold(dataset, fold, tmp_path / "fold")
    assert sum(split.clips for split in written.splits.values()) == dataset.split("train").clips
    assert {speaker for split in written.splits.values() for speaker in split.speakers} == set(fold)
    assert set(written.split("validation").speakers) == {one for one, split in fold.items() if split == "validation"}


def test_the_sentence_names_the_unused_splits(dataset):
    sentence = describe_folds(dataset, 3)
    assert sentence == (
        "The 4 speakers of the training split are used, in 3 folds; those of its validation and test splits are not."
    )


def test_datasets_that_cannot_be_divided_are_refused(dataset):
    with pytest.raises(UserError, match=r"9 folds need 9 training speakers, and .* has 4: choose fewer folds"):
        speaker_folds(dataset, 9, Target())
    with pytest.raises(UserError, match="is split clip by clip"):
        speaker_folds(replace(dataset, split_kind="random"), 2, Target())
