import json

import numpy as np
import pytest

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.augment import AugmentSettings
from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset
from training.evaluation.calibration import calibrate
from training.evaluation.condition import Condition
from training.families.cnn.family import FAMILY
from training.families.cnn.recipe import CnnRecipe, CnnSettings
from training.families.recipe import FitSettings
from training.families.registry import recipe_of
from training.fitting.train import train
from training.promotion.challenger import PromotionTest, measure_models, train_challenger
from training.promotion.combined_data import combine_data, splits_of_speakers
from training.promotion.decision_files import write_decision
from training.promotion.rule import PromotionOutcome, PromotionRule
from training.run.folder import Run

RECIPE = CnnRecipe(
    model=CnnSettings(filters=(8, 16), window_frames=48, hidden=8),
    fit=FitSettings(epochs=1, batch_size=20, crop_seconds=0.3, augment=AugmentSettings(mixup=0.0)),
    front_end=LogMelSettings(num_bands=32),
)


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("old"), 36, 18, (0.3, 0.4), test=18)


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("new"), 36, 18, (0.3, 0.4), test=18, prefix="new-")


@pytest.fixture(scope="module")
def champion(old, tmp_path_factory) -> Run:
    run, _ = train(FAMILY, RECIPE, old, tmp_path_factory.mktemp("champion") / "run")
    calibrate(run, old, Condition("validation", "telephone"))
    return run


@pytest.fixture(scope="module")
def tested(champion, old, new, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tested")
    test = PromotionTest(champion, (old,), (new,), rule=PromotionRule(resamples=50))
    dataset = combine_data(test, folder / "data")
    run = train_challenger(test, dataset, folder / "run")
    return test, measure_models(test, run, dataset), folder


def test_the_challenger_is_trained_by_the_same_recipe_on_old_and_new_data(tested, champion, old, new):
    _, found, _ = tested
    assert recipe_of(found.challenger.config) == recipe_of(champion.config)
    assert found.challenger.config["data"]["clips"] == {"train": 72, "validation": 36}
    trained = set(found.challenger.config["data"]["speakers"]["train"])
    assert trained == {*old.split("train").speakers, *new.split("train").speakers}


def test_both_are_measured_on_speakers_that_neither_was_trained_on(tested):
    test, found, _ = tested
    known = {
        speaker
        for run in (test.champion, found.challenger)
        for split in ("train", "validation")
        for speaker in run.config["data"]["speakers"][split]
    }
    assert not known & set(found.dataset.split("test").speakers)
    assert found.decision.overall.speakers == 6
    assert set(found.measured) == {"clean", "telephone"}
    for models in found.measured.values():
        assert models["champion"]["clips"] == models["challenger"]["clips"] == 36
    by_channel = [found.measured[channel]["challenger"]["ua"] for channel in ("clean", "telephone")]
    assert found.decision.overall.challenger == pytest.approx(np.mean(by_channel))


def test_it_is_calibrated_as_the_champion_is(tested):
    _, found, _ = tested
    assert found.challenger.calibration["condition"] == "validation, telephone"


def test_new_speakers_are_a_group(tested):
    _, found, _ = tested
    titles = {group.title for group in found.decision.groups}
    assert {"dataset new", "dataset old", "channel telephone", "emotion anger"} <= titles


def test_a_finished_challenger_is_not_trained_again(tested, champion):
    test, found, folder = tested
    before = (folder / "run" / "model.keras").stat().st_mtime_ns
    assert train_challenger(test, combine_data(test, folder / "data"), folder / "run").folder == folder / "run"
    assert (folder / "run" / "model.keras").stat().st_mtime_ns == before
    with pytest.raises(UserError, match="holds another run"):
        train_challenger(test, found.dataset, champion.folder)


def test_the_decision_is_written_with_its_figures(tested):
    test, found, folder = tested
    page = write_decision(test, found, folder, {"version": "models/ser/2"})
    content = json.loads((folder / "decision.json").read_text())
    assert content["outcome"] in set(PromotionOutcome)
    assert content["reasons"] == list(found.decision.reasons)
    assert content["detectable"] == found.decision.detectable
    assert content["overall"]["standard_error"] >= 0
    assert content["promoted"] == {"version": "models/ser/2"}
    assert content["speakers"] == list(found.dataset.split("test").speakers)
    assert content["metrics"]["clean"]["champion"]["ua"] == found.measured["clean"]["champion"]["ua"]
    assert "synthetic" in page.read_text()
    assert "models/ser/2" in page.read_text()


def test_the_same_model_is_never_promoted_over_itself(tested):
    test, found, _ = tested
    again = measure_models(test, test.champion, found.dataset)
    assert again.decision.outcome is PromotionOutcome.NOT_BETTER
    assert again.decision.overall.value == 0


class TestSplits:
    def test_the_champions_speakers_stay_in_their_splits(self, champion, new, tmp_path):
        moved = write_dataset(tmp_path / "moved", 18, 18, (0.3, 0.4), test=36)
        moved.split("test")
        splits = splits_of_speakers(champion, [moved, new], ())
        for split in ("train", "validation"):
            for speaker in champion.config["data"]["speakers"][split]:
                assert splits[speaker] == split

    def test_speakers_that_were_measured_on_never_train(self, champion, old, new):
        measured = {"synthetic/new-train0", "synthetic/gone"}
        splits = splits_of_speakers(champion, [old, new], measured)
        assert splits["synthetic/new-train0"] == "test"
        assert splits["synthetic/new-train1"] == "train"
        assert "synthetic/gone" not in splits

    def test_data_without_speakers_to_measure_on_are_refused(self, champion, tmp_path):
        only = write_dataset(tmp_path / "only", 18, 18, (0.3, 0.4))
        with pytest.raises(UserError, match="nobody to measure on"):
            splits_of_speakers(champion, [only], ())

    def test_a_split_clip_by_clip_is_refused(self, champion, old, tmp_path):
        path = write_dataset(tmp_path / "random", 18, 18, (0.3, 0.4), test=18).folder / "dataset.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "split": "random"}))
        with pytest.raises(UserError, match="prepare it by speaker"):
            splits_of_speakers(champion, [old, old.open(path.parent)], ())


@pytest.mark.parametrize("channels", [(), ("clean", "clean"), ("radio",)])
def test_unknown_channels_are_refused(champion, old, new, channels):
    with pytest.raises(UserError):
        PromotionTest(champion, (old,), (new,), channels=channels)


def test_an_ensemble_is_refused_as_champion(old, new, tmp_path):
    with pytest.raises(UserError, match="train its members anew"):
        PromotionTest(Run(tmp_path, {"model": {"family": "ensemble", "members": []}}), (old,), (new,))
