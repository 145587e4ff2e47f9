import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import ser
from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset
from training import report
from training.evaluation.calibration import calibrate
from training.evaluation.condition import Condition
from training.evaluation.evaluate import evaluate, predict
from training.families.cnn.family import FAMILY
from training.families.cnn.recipe import CnnRecipe, CnnSettings
from training.families.recipe import FitSettings
from training.fitting.train import train
from training.run.folder import Run
from training.temperature import scaled


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("dataset"), train=60, validation=36)


@pytest.fixture
def run(dataset, tmp_path):
    fit = FitSettings(epochs=1, batch_size=12, learning_rate=3e-3, crop_seconds=0.4)
    model = CnnSettings((4, 8), window_frames=48, hidden=8)
    return train(FAMILY, CnnRecipe(model=model, fit=fit), dataset, tmp_path / "run")[0]


def test_a_run_predicts_at_its_temperature_everywhere(run, dataset):
    before = predict(run, dataset, Condition()).probabilities
    found = calibrate(run, dataset, Condition())
    opened = Run.open(run.folder)
    assert opened.temperature == found["temperature"] != 1
    answers = predict(opened, dataset, Condition()).probabilities
    np.testing.assert_allclose(answers, scaled(before, found["temperature"]), atol=1e-5)
    waveform = np.random.default_rng(0).normal(0, 0.1, (2, 9_000)).astype(np.float32)
    recogniser = opened.recogniser()
    asked = recogniser(waveform, np.array([9_000, 5_000])).numpy()
    recogniser_before = replace(recogniser, temperature=1.0)
    plain = recogniser_before(waveform, np.array([9_000, 5_000])).numpy()
    np.testing.assert_allclose(asked, scaled(plain, found["temperature"]), atol=1e-5)
    # Once more comes to the same, since the temperature that it has is taken off first.
    assert calibrate(opened, dataset, Condition())["temperature"] == pytest.approx(found["temperature"], rel=1e-3)


def test_the_report_describes_the_temperature_and_its_speakers(run, dataset):
    assert "calibration" not in evaluate(run, dataset, Condition())
    found = calibrate(run, dataset, Condition())
    measured = evaluate(run, dataset, Condition())
    assert measured["calibration"] == {
        "temperature": found["temperature"],
        "fitted_speakers": 3,
        "ece_before": pytest.approx(found["ece_before"], abs=1e-5),
        "ece_cross_fitted": found["ece_cross_fitted"],
    }
    assert measured["ece"] == pytest.approx(found["ece_fitted"], abs=1e-5)
    words = " ".join(report.notices(measured))
    assert "fitted on 3 of these speakers" in words
    assert f"of the others it is {found['ece_cross_fitted']:.1%}" in words
    run.record_metrics(measured)
    assert "confidence of the model" in report.write(run).read_text()
    elsewhere = evaluate(run, dataset, Condition("train"))
    assert elsewhere["calibration"]["fitted_speakers"] == 0
    assert "ece_cross_fitted" not in elsewhere["calibration"]


def test_the_command_calibrates(run, dataset):
    done = CliRunner().invoke(ser.app, ["calibrate", str(run.folder), str(dataset.folder)])
    assert done.exit_code == 0, done.output
    written = json.loads((run.folder / "calibration.json").read_text())
    assert f"temperature {written['temperature']:.3f}, fitted on 36 clips of 3 speakers" in done.output
    assert written["speakers"] == ["synthetic/validation0", "synthetic/validation1", "synthetic/validation2"]


def test_training_speakers_cannot_calibrate(run, dataset):
    with pytest.raises(UserError, match="was trained on 3 of the train speakers"):
        calibrate(run, dataset, Condition("train"))
    assert not (run.folder / "calibration.json").exists()


def test_a_damaged_calibration_is_named(run):
    (run.folder / "calibration.json").write_text("{")
    with pytest.raises(UserError, match=r"calibration\.json is not JSON"):
        run.recogniser()
