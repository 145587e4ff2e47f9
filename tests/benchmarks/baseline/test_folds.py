import numpy as np
import pytest

pytest.importorskip("sklearn")

from benchmarks.baseline.folds import SPLITS, folds, inner_folds, rows_of
from data_pipeline.errors import UserError

SPEAKERS = np.repeat([f"s{number:02d}" for number in range(12)], 12)
SIDES = np.repeat(["train", "validation", "test"], [96, 24, 24])
TRUTH = np.tile(np.arange(6), 24)


@pytest.mark.parametrize("split", SPLITS)
def test_nobody_is_fitted_on_and_scored(split):
    for fold in folds(split, SIDES, SPEAKERS, TRUTH, 0):
        assert len(fold.fitted)
        assert not set(SPEAKERS[fold.fitted]) & set(SPEAKERS[fold.scored])


@pytest.mark.parametrize(("split", "scored"), [("validation", "validation"), ("test", "test")])
def test_a_side_is_scored_by_the_training_side(split, scored):
    (fold,) = folds(split, SIDES, SPEAKERS, TRUTH, 0)

    assert set(SIDES[fold.fitted]) == {"train"}
    assert list(fold.scored) == list(np.flatnonzero(scored == SIDES))
    assert list(fold.fitted) == list(rows_of(split, SIDES))


def test_cross_validation_scores_each_clip_once_and_leaves_the_test_side_alone():
    cut = folds("cross-validation", SIDES, SPEAKERS, TRUTH, 0)

    scored = np.concatenate([fold.scored for fold in cut])
    fitted = np.concatenate([fold.fitted for fold in cut])
    assert len(cut) == 5
    assert sorted(scored) == list(np.flatnonzero(SIDES != "test"))
    assert "test" not in set(SIDES[fitted])


def test_leave_one_speaker_out_has_a_fold_a_speaker():
    cut = folds("leave-one-speaker-out", SIDES, SPEAKERS, TRUTH, 0)

    assert [fold.name for fold in cut] == sorted(set(SPEAKERS))
    assert all(set(SPEAKERS[fold.scored]) == {fold.name} for fold in cut)


def test_inner_folds_ask_about_each_clip_once_whose_speaker_was_not_heard():
    cut = inner_folds(TRUTH, SPEAKERS, 0)

    assert sorted(np.concatenate([asked for _, asked in cut])) == list(range(len(TRUTH)))
    assert all(not set(SPEAKERS[fitted]) & set(SPEAKERS[asked]) for fitted, asked in cut)
    assert inner_folds(TRUTH[:12], SPEAKERS[:12], 0) == []


@pytest.mark.parametrize(
    ("split", "sides", "speakers"),
    [
        ("somewhere", SIDES, SPEAKERS),
        ("test", np.where(SIDES == "test", "train", SIDES), SPEAKERS),
        ("cross-validation", SIDES, np.full(len(SIDES), "one")),
    ],
)
def test_says_what_a_split_lacks(split, sides, speakers):
    with pytest.raises(UserError, match=f"--split {split}: "):
        folds(split, sides, speakers, TRUTH, 0)
