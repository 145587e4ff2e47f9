"""Replicas that share batches end with the weights of a single replica with whole batches."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from data_pipeline.augment import AugmentSettings
from tests.data_pipeline.prepared import write_dataset
from tests.training.distributed.processes import ended_well, start_mirrored, start_workers
from training.families.cnn import network
from training.families.cnn.family import FAMILY
from training.families.cnn.recipe import CnnRecipe, CnnSettings
from training.families.recipe import FitSettings
from training.fitting.train import train
from training.run.folder import Run

# 30 clips in batches of 7: the last batch has 2, one for each of two replicas and too few for three. Some clips have
# two windows. There is no dropout, whose draws differ between replicas on purpose; and the network is shallow, since
# rounding grows with depth: one of 27 batch norms differs by as much where a single device computes them otherwise.
RECIPE = CnnRecipe(
    model=CnnSettings(filters=(4, 8), window_frames=48, hidden=8, dropout=0.0),
    fit=FitSettings(
        epochs=2,
        batch_size=7,
        learning_rate=1e-3,
        crop_seconds=0.7,
        average=0.9,
        class_balance=0.5,
        augment=AugmentSettings(speed=0.5, mixup=0.2),
        keep="last",
    ),
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data"), train=30, validation=18)


def settings_of(run: Run, folder):
    """The settings of the run, as a file."""
    file = folder / "settings.json"
    file.write_text((run.folder / "config.json").read_text())
    return str(file)


def assert_equal(run: Run, other: Run):
    """The same history, and weights whose difference is small compared with their change in training."""
    for row, its in zip(run.history(), other.history(), strict=True):
        for figure in ("loss", "validation_loss"):
            assert row[figure] == pytest.approx(its[figure], rel=1e-4)
        assert row["validation_ua"] == its["validation_ua"]
    keras.utils.set_random_seed(RECIPE.fit.seed)
    start = flat(network.build(RECIPE.model, 6, RECIPE.front_end))
    mine, its = (flat(one.recogniser().model) for one in (run, other))
    assert np.linalg.norm(mine - its) < 2e-3 * np.linalg.norm(its - start)


def flat(model):
    return np.concatenate([np.ravel(weight) for weight in model.get_weights()])


def test_two_workers_end_with_the_weights_of_one_process(dataset, tmp_path):
    accumulating = replace(RECIPE, fit=replace(RECIPE.fit, accumulate=2))
    single, _ = train(FAMILY, accumulating, dataset, tmp_path / "single")
    logs = [tmp_path / "chief.log", tmp_path / "worker.log"]
    command = ["train", "cnn", str(dataset.folder), str(tmp_path / "team")]
    workers = start_workers([*command, "--config", settings_of(single, tmp_path)], logs)
    for worker, log in zip(workers, logs, strict=True):
        ended_well(worker, log)
    team = Run.open(tmp_path / "team")
    assert_equal(team, single)
    # The chief alone tells and keeps.
    assert "run folder" in logs[0].read_text()
    assert logs[1].read_text().splitlines()[-1].startswith("worker 2 of 2")
    config, its = (json.loads((run.folder / "config.json").read_text()) for run in (team, single))
    assert config == its
    names = {file.name for file in team.folder.iterdir()}
    assert names == {"config.json", "model.keras", "history.csv", "tensorboard"}


def test_three_devices_of_one_machine_end_with_the_weights_of_one(dataset, tmp_path):
    single, _ = train(FAMILY, RECIPE, dataset, tmp_path / "single")
    log = tmp_path / "mirrored.log"
    command = ["train", "cnn", str(dataset.folder), str(tmp_path / "team")]
    ended_well(start_mirrored(3, [*command, "--config", settings_of(single, tmp_path)], log), log)
    assert_equal(Run.open(tmp_path / "team"), single)
