"""Files that were changed or cut off on the disk: each is named in one sentence that says what to do."""

import shutil
from pathlib import Path

import pytest

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.input_pipeline import descriptions
from data_pipeline.plots.clip_table import read_table, read_waveforms
from data_pipeline.prepare.combine import combine
from data_pipeline.statistics import FUNCTIONALS
from data_pipeline.statistics.feature_table import feature_table
from tests.data_pipeline.prepared import write_dataset
from tests.training.report.test_report import SETTINGS, untrained
from training.evaluation.condition import Condition
from training.evaluation.evaluate import predict
from training.families.cnn.family import FAMILY
from training.families.cnn.recipe import CnnRecipe
from training.families.recipe import FitSettings
from training.fitting.state import TrainingState
from training.fitting.train import train
from training.run.folder import Run


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("dataset"), train=12, validation=12)


@pytest.fixture(scope="module")
def run(dataset, tmp_path_factory):
    return untrained(dataset, tmp_path_factory.mktemp("runs") / "run")


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def damaged(dataset: Dataset, folder: Path, shard: str) -> Dataset:
    """A copy with one changed byte, which a look at the size does not show."""
    shutil.copytree(dataset.folder, folder)
    flip_a_byte(folder / shard)
    return Dataset.open(folder)


def test_a_flipped_byte_in_a_shard_names_the_shard_wherever_it_is_read(dataset, run, tmp_path):
    table = read_table(dataset, dataset.splits)
    broken = damaged(dataset, tmp_path / "broken", "validation-1.tfrecord")
    splits = dict.fromkeys(("synthetic/train0", "synthetic/validation0"), "train")

    for read in (
        lambda: descriptions(broken, "validation"),
        lambda: read_waveforms(broken, table, range(len(table.name))),
        lambda: predict(run, broken, Condition()),
        lambda: feature_table(broken, FUNCTIONALS, tmp_path / "cache", workers=1),
        lambda: combine([broken], tmp_path / "combined", splits),
    ):
        with pytest.raises(UserError, match=r"broken/validation-1\.tfrecord is damaged: prepare the dataset again$"):
            read()


def test_a_flipped_byte_in_a_shard_ends_a_training_that_leaves_nothing(dataset, tmp_path):
    broken = damaged(dataset, tmp_path / "broken", "train-0.tfrecord")
    recipe = CnnRecipe(model=SETTINGS, fit=FitSettings(epochs=1, batch_size=4, crop_seconds=0.3))

    with pytest.raises(UserError, match=r"broken/train-0\.tfrecord is damaged: prepare the dataset again$"):
        train(FAMILY, recipe, broken, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("length", [0, 1_000, -1])
def test_a_model_that_was_copied_in_part_is_not_missing(run, tmp_path, length):
    shutil.copytree(run.folder, tmp_path / "run")
    path = tmp_path / "run" / "model.keras"
    path.write_bytes(path.read_bytes()[:length])

    with pytest.raises(UserError, match=r"model\.keras is damaged or incomplete .*: copy it again, or train") as error:
        Run.open(tmp_path / "run").recogniser()
    assert "not found" not in str(error.value)


def test_a_flipped_byte_in_a_model_is_named(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "run")
    flip_a_byte(tmp_path / "run" / "model.keras")

    with pytest.raises(UserError, match=r"model\.keras is damaged .*: copy it again, or train the run again"):
        Run.open(tmp_path / "run").recogniser()


@pytest.mark.parametrize("length", [0, 1_000])
def test_a_state_that_was_copied_in_part_is_named(tmp_path, length):
    path = tmp_path / "state.npz"
    model = FAMILY.build(CnnRecipe(model=SETTINGS))
    model.compile("adam")
    TrainingState.of(model, ()).write(path)
    path.write_bytes(path.read_bytes()[:length])

    with pytest.raises(UserError, match=r"state\.npz cannot be read .*: choose another folder and train again"):
        TrainingState.read(path)
