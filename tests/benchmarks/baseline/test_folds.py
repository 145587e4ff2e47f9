import numpy as np
import pytest

pytest.importorskip("sklearn")

from benchmarks.baseline.folds import SPLITS, fitting_rows, folds, inner_folds
from data_pipeline.errors import UserError

SPEAKERS = np.repeat([f"s{number:02d}" for number in range(12)], 12)
DATA_SPLITS = np.repeat(["train", "validation", "test"], [96, 24, 24])
TRUTH = np.tile(np.arange(6), 24)


@pytest.mark.parametrize("split", SPLITS)
def test_no_speaker_is_fitted_on_and_scored(split):
    for fold in folds(split, DATA_SPLITS, SPEAKERS, TRUTH, 0):
        assert len(fold.fitted)
        assert not set(SPEAKERS[fold.fitted]) & set(SPEAKERS[fold.scored])


@pytest.mark.parametrize(("split", "scored"), [("validation", "validation"), ("test", "test")])
def test_a_split_is_scored_by_the_training_split(split, scored):
    (fold,) = folds(split, DATA_SPLITS, SPEAKERS, TRUTH, 0)

    assert set(DATA_SPLITS[fold.fitted]) == {"train"}
    assert list(fold.scored) == list(np.flatnonzero(scored == DATA_SPLITS))
    assert list(fold.fitted) == list(fitting_rows(split, DATA_SPLITS))


def test_cross_validation_scores_each_clip_once_and_leaves_the_test_split_alone():
    cut = folds("cross-validation", DATA_SPLITS, SPEAKERS, TRUTH, 0)

    scored = np.concatenate([fold.scored for fold in cut])
    fitted = np.concatenate([fold.fitted for fold in cut])
    assert len(cut) == 5
    assert sorted(scored) == list(np.flatnonzero(DATA_SPLITS != "test"))
    assert "test" not in set(DATA_SPLITS[fitted])


def test_leave_one_speaker_out_has_a_fold_a_speaker():
    cut = folds("leave-one-speaker-out", DATA_SPLITS, SPEAKERS, TRUTH, 0)

    assert [fold.name for fold in cut] == sorted(set(SPEAKERS))
    assert all(set(SPEAKERS[fold.scored]) == {fold.name} for fold in cut)


def test_inner_folds_predict_each_clip_once_without_its_speaker():
    cut = inner_folds(TRUTH, SPEAKERS, 0)

    assert sorted(np.concatenate([predicted for _, predicted in cut])) == list(range(len(TRUTH)))
    assert all(not set(SPEAKERS[fitted]) & set(SPEAKERS[predicted]) for fitted, predicted in cut)
    assert inner_folds(TRUTH[:12], SPEAKERS[:12], 0) == []


@pytest.mark.parametrize(
    ("split", "splits", "speakers"),
    [
        ("somewhere", DATA_SPLITS, SPEAKERS),
        ("test", np.where(DATA_SPLITS == "test", "train", DATA_SPLITS), SPEAKERS),
        ("cross-validation", DATA_SPLITS, np.full(len(DATA_SPLITS), "one")),
    ],
)
def test_says_what_a_split_lacks(split, splits, speakers):
    with pytest.raises(UserError, match=f"--split {split}: "):
        folds(split, splits, speakers, TRUTH, 0)
