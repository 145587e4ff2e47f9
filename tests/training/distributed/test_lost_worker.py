"""One worker is killed: the others end soon with an error, and all resume where they were."""

import time
from dataclasses import replace

import numpy as np
import pytest

from tests.data_pipeline.prepared import write_dataset
from tests.training.distributed.processes import ended_well, start_workers
from tests.training.distributed.test_equal import RECIPE, settings_of
from training.families.cnn.family import FAMILY
from training.fitting.train import train as train_alone
from training.run.folder import Run

SOON = 120
"""Seconds. On an idle machine it takes about 30: TensorFlow notices after 10, and waits as long once more to part."""


def train(arguments, folder, name):
    logs = [folder / f"{name}-{place}.log" for place in ("chief", "worker")]
    return start_workers(arguments, logs), logs


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("killed", [0, 1], ids=["the chief", "another worker"])
def test_a_lost_worker_ends_the_others_and_all_go_on_to_the_same_weights(killed, tmp_path):
    dataset = write_dataset(tmp_path / "data", train=30, validation=18)
    recipe = replace(RECIPE, model=replace(RECIPE.model, dropout=0.3), fit=replace(RECIPE.fit, epochs=1))
    described, _ = train_alone(FAMILY, recipe, dataset, tmp_path / "described")
    command = ["train", "cnn", str(dataset.folder)]
    settings = ["--config", settings_of(described, tmp_path), "--epochs", "20"]
    workers, logs = train([*command, str(tmp_path / "whole"), *settings], tmp_path, "whole")
    for worker, log in zip(workers, logs, strict=True):
        ended_well(worker, log, 600)

    resumed = tmp_path / "resumed"
    workers, logs = train([*command, str(resumed), *settings], tmp_path, "killed")
    while not (resumed / "history.csv").exists():
        assert all(worker.poll() is None for worker in workers), [log.read_text() for log in logs]
        time.sleep(0.05)
    workers[killed].kill()
    other = 1 - killed
    began = time.monotonic()
    assert workers[other].wait(SOON) == 1, logs[other].read_text()
    assert time.monotonic() - began < SOON
    assert "error: another worker of this training stopped" in logs[other].read_text()
    assert (resumed / "state.npz").exists()
    workers, logs = train([*command, str(resumed), *settings], tmp_path, "resumed")
    for worker, log in zip(workers, logs, strict=True):
        ended_well(worker, log, 600)
    assert "going on after epoch" in logs[0].read_text()

    mine, its = (Run.open(folder) for folder in (resumed, tmp_path / "whole"))
    assert [row["loss"] for row in mine.history()] == [row["loss"] for row in its.history()]
    for one, other_one in zip(mine.recogniser().model.weights, its.recogniser().model.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other_one.numpy())
    whole = {file.name for file in (tmp_path / "whole").iterdir()}
    assert {file.name for file in resumed.iterdir()} == whole
