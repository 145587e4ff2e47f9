import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import ser
from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset
from training import report
from training.evaluation import metrics
from training.evaluation.calibration import calibrate, cross_fitted, fit_temperature
from training.evaluation.evaluate import Condition, evaluate, predict
from training.evaluation.temperature import scaled
from training.families.cnn.family import FAMILY
from training.families.cnn.recipe import CnnRecipe, CnnSettings
from training.families.recipe import FitSettings
from training.fitting.train import train
from training.run.folder import Run


def drawn(seed, temperature, clips=4_000, classes=4):
    """Answers that are too sure of themselves by a temperature: the truth is drawn from what they are at it."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (clips, classes))
    honest = scaled(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), 1.0)
    truth = (honest.cumsum(1) > random.random((clips, 1))).argmax(1)
    return scaled(honest, 1 / temperature), truth, random.integers(0, 8, clips)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 99), st.floats(0.4, 4.0))
def test_the_temperature_that_made_answers_too_sure_is_found(seed, temperature):
    probabilities, truth, _ = drawn(seed, temperature)
    assert fit_temperature(probabilities, truth) == pytest.approx(temperature, rel=0.15)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 99), st.floats(0.2, 5.0))
def test_a_temperature_changes_no_order_and_can_be_undone(seed, temperature):
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(5), 20)
    changed = scaled(probabilities, temperature)
    np.testing.assert_allclose(changed.sum(1), 1)
    np.testing.assert_array_equal(changed.argsort(1), probabilities.argsort(1))
    np.testing.assert_allclose(scaled(changed, 1 / temperature), probabilities, atol=1e-8)


def test_certain_answers_stay_finite():
    assert np.isfinite(scaled(np.eye(3), 0.1)).all()
    assert fit_temperature(np.eye(3), np.array([0, 1, 0])) > 1


def test_nobody_fits_a_temperature_for_themselves():
    probabilities, truth, speakers = drawn(0, 2.0)
    answers = cross_fitted(probabilities, truth, speakers)
    own = speakers == 3
    changed = truth.copy()
    changed[own] = (changed[own] + 1) % 4
    np.testing.assert_array_equal(cross_fitted(probabilities, changed, speakers)[own], answers[own])
    assert np.abs(cross_fitted(probabilities, changed, speakers)[~own] - answers[~own]).max() > 1e-4
    assert metrics.calibration_error(answers, truth) < 0.03 < metrics.calibration_error(probabilities, truth)


def test_reliability_counts_every_answer_once():
    probabilities, truth, _ = drawn(1, 1.0)
    rows = metrics.reliability(probabilities, truth)
    assert sum(row["clips"] for row in rows) == len(truth)
    error = sum(row["clips"] * abs(row["confidence"] - row["accuracy"]) for row in rows) / len(truth)
    assert error == pytest.approx(metrics.calibration_error(probabilities, truth))
    assert [row["confidence"] for row in rows] == sorted(row["confidence"] for row in rows)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("dataset"), train=60, validation=36)


@pytest.fixture
def run(dataset, tmp_path):
    fit = FitSettings(epochs=1, batch_size=12, learning_rate=3e-3, crop_seconds=0.4)
    model = CnnSettings((4, 8), window_frames=48, hidden=8)
    return train(FAMILY, CnnRecipe(model=model, fit=fit), dataset, tmp_path / "run")[0]


def test_a_run_answers_at_its_temperature_everywhere(run, dataset):
    before = predict(run, dataset, Condition()).probabilities
    found = calibrate(run, dataset, Condition())
    opened = Run.open(run.folder)
    assert opened.temperature == found["temperature"] != 1
    answers = predict(opened, dataset, Condition()).probabilities
    np.testing.assert_allclose(answers, scaled(before, found["temperature"]), atol=1e-5)
    waveform = np.random.default_rng(0).normal(0, 0.1, (2, 9_000)).astype(np.float32)
    recogniser = opened.recogniser()
    asked = recogniser(waveform, np.array([9_000, 5_000])).numpy()
    recogniser_before = type(recogniser)(recogniser.model, recogniser.labels, recogniser.front_end)
    plain = recogniser_before(waveform, np.array([9_000, 5_000])).numpy()
    np.testing.assert_allclose(asked, scaled(plain, found["temperature"]), atol=1e-5)
    # Once more comes to the same, since the temperature that it has is taken off first.
    assert calibrate(opened, dataset, Condition())["temperature"] == pytest.approx(found["temperature"], rel=1e-3)


def test_the_report_says_what_the_temperature_did_and_who_fitted_it(run, dataset):
    assert "calibration" not in evaluate(run, dataset, Condition())
    found = calibrate(run, dataset, Condition())
    told = evaluate(run, dataset, Condition())
    assert told["calibration"] == {
        "temperature": found["temperature"],
        "fitted_speakers": 3,
        "ece_before": pytest.approx(found["ece_before"], abs=1e-5),
        "ece_cross_fitted": found["ece_cross_fitted"],
    }
    assert told["ece"] == pytest.approx(found["ece_fitted"], abs=1e-5)
    words = " ".join(report.notices(told))
    assert "fitted on 3 of these speakers" in words
    assert f"of the others it is {found['ece_cross_fitted']:.1%}" in words
    run.record_metrics(told)
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


def test_speakers_that_were_learned_cannot_calibrate(run, dataset):
    with pytest.raises(UserError, match="was trained on 3 of the train speakers"):
        calibrate(run, dataset, Condition("train"))
    assert not (run.folder / "calibration.json").exists()


def test_a_damaged_calibration_is_named(run):
    (run.folder / "calibration.json").write_text("{")
    with pytest.raises(UserError, match=r"calibration\.json is not JSON"):
        run.recogniser()
