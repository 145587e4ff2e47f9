"""A training that is killed at any moment goes on to the weights that it would have had."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from data_pipeline.augment import AugmentSettings
from tests.data_pipeline.prepared import write_dataset
from training.families.mobilenet.family import FAMILY
from training.families.mobilenet.recipe import MobileNetRecipe, MobileNetSettings
from training.families.recipe import FitSettings
from training.fitting.observer import Observer
from training.fitting.train import train

MOMENTS = 20

RECIPE = MobileNetRecipe(
    model=MobileNetSettings(alpha=0.125, window_frames=48, hidden=8, dropout=0.3),
    fit=FitSettings(
        epochs=30,
        patience=30,
        batch_size=4,
        learning_rate=3e-3,
        crop_seconds=0.4,
        average=0.9,
        augment=AugmentSettings(speed=0.5, mixup=0.2),
    ),
)


class Herald(Observer):
    """Says when the first step is done: from then on there is something to lose."""

    def on_step(self):
        Path(os.environ["STARTED"]).touch()


CHILD = """
import os
from pathlib import Path
from data_pipeline.dataset import Dataset
from tests.training.fitting.test_killed_training import RECIPE, Herald
from training.families.mobilenet.family import FAMILY
from training.fitting.train import train
train(FAMILY, RECIPE, Dataset.open(Path(os.environ["DATA"])), Path(os.environ["RUN"]), Herald())
"""


def weights(run):
    return [weight.numpy() for weight in run.recogniser().model.weights]


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_a_training_killed_at_twenty_random_moments_ends_with_the_same_weights(tmp_path):
    dataset = write_dataset(tmp_path / "data", train=48, validation=18)
    whole, best = train(FAMILY, RECIPE, dataset, tmp_path / "whole")
    typical = np.median([row["seconds"] for row in whole.history()])
    folder, started = tmp_path / "killed", tmp_path / "started"
    environment = {**os.environ, "DATA": str(dataset.folder), "RUN": str(folder), "STARTED": str(started)}
    draw, epochs = random.Random(0), []
    for _ in range(MOMENTS):
        started.unlink(missing_ok=True)
        child = subprocess.Popen([sys.executable, "-c", CHILD], env=environment)
        while not started.exists() and child.poll() is None:
            time.sleep(0.02)
        # Anywhere in an epoch: in a step, in the validation, in the writing of weights, history or state.
        time.sleep(draw.uniform(0, 1.5 * typical))
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL, "the training was over before it was killed"
        history = folder / "history.csv"
        epochs.append(len(history.read_text().splitlines()) - 1 if history.exists() else 0)
    assert epochs == sorted(epochs)
    assert epochs[-1] > 0
    resumed, best_of_resumed = train(FAMILY, RECIPE, dataset, folder)
    assert best_of_resumed.epoch == best.epoch
    assert [row["loss"] for row in resumed.history()] == [row["loss"] for row in whole.history()]
    for mine, its in zip(weights(resumed), weights(whole), strict=True):
        np.testing.assert_array_equal(mine, its)
    # Nothing stays of what was being written when it was killed.
    assert sorted(file.name for file in folder.iterdir()) == sorted(file.name for file in whole.folder.iterdir())
