"""`ser retrain`, from prepared data to a canary on a running server."""

import json
import shutil
from pathlib import Path

import grpc
import numpy as np
import pytest
from typer.testing import CliRunner

import ser
from data_pipeline.augment import AugmentSettings
from data_pipeline.errors import UserError
from serving.export.provenance import MEASURED_SPEAKERS, PROVENANCE_FILE, read_provenance
from serving.promotion import version_labels
from serving.promotion.champion import find_champion
from serving.server.local_server import LocalServer, ServerSettings
from tests.data_pipeline.prepared import write_dataset
from tests.serving.server.reload_client import ReloadClient
from training.families.cnn.family import FAMILY
from training.families.cnn.recipe import CnnRecipe, CnnSettings
from training.families.recipe import FitSettings
from training.fitting.train import train
from training.run.folder import Run

RECIPE = CnnRecipe(
    model=CnnSettings(filters=(16, 32, 32), window_frames=48, hidden=16, dropout=0.0),
    fit=FitSettings(
        epochs=16,
        batch_size=12,
        learning_rate=2e-2,
        crop_seconds=0.4,
        label_smoothing=0.0,
        augment=AugmentSettings(mixup=0.0, band_masks=0, frame_masks=0),
    ),
)


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("old"), 72, 18, (0.4, 0.5), test=36)


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("new"), 36, 18, (0.4, 0.5), test=18, prefix="new-")


@pytest.fixture(scope="module")
def good(old, tmp_path_factory) -> Run:
    run, best = train(FAMILY, RECIPE, old, tmp_path_factory.mktemp("good") / "run")
    assert best.validation_ua > 0.5, "it has learned something"
    return run


@pytest.fixture(scope="module")
def bad(good, tmp_path_factory) -> Run:
    """The same model with exchanged outputs, so that it always answers the next emotion."""
    folder = tmp_path_factory.mktemp("bad") / "run"
    shutil.copytree(good.folder, folder)
    run = Run.open(folder)
    model = run.recogniser().model
    model.layers[-1].set_weights([np.roll(weights, 1, axis=-1) for weights in model.layers[-1].get_weights()])
    run.save_model(model)
    return run


@pytest.fixture(scope="module")
def kept(good, old, new, tmp_path_factory) -> tuple[Path, Path]:
    """A repository with the good champion, and the output of a challenge."""
    folder = tmp_path_factory.mktemp("kept")
    export(good, folder / "models")
    before = (folder / "models" / "models.config").read_bytes()
    done = retrain(folder / "models", folder / "out", new)
    assert done.exit_code == 3, done.output
    assert (folder / "models" / "models.config").read_bytes() == before
    return folder / "models", folder / "out"


def export(run: Run, models: Path) -> None:
    assert CliRunner().invoke(ser.app, ["export", str(run.folder), str(models)]).exit_code == 0


def retrain(models: Path, output: Path, new, *options: str):
    command = ["retrain", "--data", str(new.folder), "--champion", str(models / "ser"), "--output", str(output)]
    return CliRunner().invoke(ser.app, [*command, *options])


def test_a_challenger_that_is_no_better_leaves_everything_as_it_was(kept):
    models, output = kept
    assert [path.name for path in (models / "ser").iterdir()] == ["1"]
    told = json.loads((output / "decision.json").read_text())
    assert told["outcome"] in ("not better", "cannot tell")
    assert told["promoted"] == {}
    assert "The champion stays." in (output / "decision.html").read_text()


def test_a_better_one_becomes_the_canary_and_once_only(bad, kept, new, tmp_path):
    models, output = tmp_path / "models", tmp_path / "out"
    export(bad, models)
    # The same challenger as before, so that it need not be trained again.
    shutil.copytree(kept[1], output)
    settings = ServerSettings(poll_seconds=0)
    with (
        LocalServer.start(models, port=0, settings=settings) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        client = ReloadClient(channel)
        for _ in range(2):
            done = retrain(models, output, new, "--channel", "clean", "--server", server.address)
            assert done.exit_code == 0, done.output
            assert "promoted: version 2" in done.output
            assert [client.version(label=label) for label in ("stable", "canary")] == [1, 2]
    assert sorted(path.name for path in (models / "ser").iterdir()) == ["1", "2"]
    told = json.loads((output / "decision.json").read_text())
    assert told["outcome"] == "better"
    assert told["promoted"]["label"] == "canary"
    said = read_provenance(models / "ser" / "2")
    assert said["champion"] == 1
    assert said[MEASURED_SPEAKERS] == told["speakers"]

    version_labels.promote(models / "ser")
    reigning = find_champion(models / "ser")
    assert reigning.version == 2
    assert reigning.speakers == frozenset(told["speakers"]), "who measured once is known to the next challenge"
    again = retrain(models, output, new)
    assert isinstance(again.exception, UserError)
    assert "choose another --output" in str(again.exception)


class TestChampion:
    def test_it_is_the_stable_version_and_not_the_newest(self, good, bad, tmp_path):
        for run in (good, bad):
            export(run, tmp_path / "models")
        assert find_champion(tmp_path / "models" / "ser").run.folder == bad.folder
        version_labels.promote(tmp_path / "models" / "ser", 1)
        assert find_champion(tmp_path / "models" / "ser").run.folder == good.folder

    def test_a_run_that_has_gone_can_be_named(self, good, tmp_path):
        shutil.copytree(good.folder, tmp_path / "run")
        export(Run.open(tmp_path / "run"), tmp_path / "models")
        (tmp_path / "run").rename(tmp_path / "moved")
        with pytest.raises(UserError, match="does not exist: name its folder with --run"):
            find_champion(tmp_path / "models" / "ser")
        assert find_champion(tmp_path / "models" / "ser", tmp_path / "moved").run.folder == tmp_path / "moved"

    def test_another_run_is_refused(self, good, bad, tmp_path):
        export(good, tmp_path / "models")
        with pytest.raises(UserError, match="other weights"):
            find_champion(tmp_path / "models" / "ser", bad.folder)

    @pytest.mark.parametrize("content", ["{", "[]"])
    def test_a_damaged_provenance_is_told(self, good, tmp_path, content):
        export(good, tmp_path / "models")
        (tmp_path / "models" / "ser" / "1" / PROVENANCE_FILE).write_text(content)
        with pytest.raises(UserError, match="export the run again"):
            find_champion(tmp_path / "models" / "ser")
        (tmp_path / "models" / "ser" / "1" / PROVENANCE_FILE).unlink()
        with pytest.raises(UserError, match="does not say which run"):
            find_champion(tmp_path / "models" / "ser")
