"""An ensemble of a log-mel network and a waveform network, from two runs to a report."""

import json
from contextlib import contextmanager

import numpy as np
import pytest
import tensorflow as tf
from typer.testing import CliRunner

import ser
from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset
from tests.html_page import HtmlPage
from tests.training.ensemble.runs import clips_of, log_mel_run, waveform_run, write_answers
from training.cross_validation.stored_answers import read_stored
from training.ensemble.ensemble import EnsembleDefinition, EnsembleSettings, make_ensemble
from training.ensemble.members import members_of
from training.ensemble.out_of_fold import idle
from training.ensemble.pool import Pool
from training.ensemble.training_clips import TrainingClips
from training.evaluation.condition import Condition
from training.evaluation.evaluate import predict
from training.fitting.observer import Observer
from training.run.folder import Run
from training.temperature import scaled

TEMPERATURE = 1.7


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data"), train=48, validation=18, seconds=(0.3, 0.5), speakers=4)


@pytest.fixture(scope="module")
def members(dataset, tmp_path_factory):
    """A CNN, calibrated, and a wav2vec 2.0."""
    folder = tmp_path_factory.mktemp("runs")
    first = log_mel_run(dataset, folder / "cnn")
    first.record_calibration({"temperature": TEMPERATURE, "speakers": []})
    return first, waveform_run(dataset, folder / "wav2vec2")


@pytest.fixture(scope="module")
def interrupted(members, dataset, tmp_path_factory):
    """The folder of an ensemble that was interrupted in its second fold, and the file of given answers."""
    folder = tmp_path_factory.mktemp("made")
    given = write_answers(folder / "cv.npz", clips_of(dataset, "train", 48, 4))
    opened = members_of([member.folder for member in members])
    settings = EnsembleSettings(folds=2, biased=True)
    definition = EnsembleDefinition(opened, TrainingClips.of(members[0]), settings, {"wav2vec2": read_stored(given)})
    started = []

    @contextmanager
    def breaking(title, epochs):
        started.append(title)
        if len(started) == 2:
            raise KeyboardInterrupt
        yield Observer()

    with pytest.raises(KeyboardInterrupt):
        make_ensemble(definition, folder / "both", breaking)
    assert started == ["cnn, fold 1 of 2", "cnn, fold 2 of 2"]
    with pytest.raises(UserError, match=r"no config\.json"):
        Run.open(folder / "both")
    return folder / "both", given


@pytest.fixture(scope="module")
def made(members, interrupted):
    """The output of the command that resumed, the ensemble, and the content of its JSON file."""
    folder, given = interrupted
    first = folder / "folds" / "1" / "cnn" / "model.keras"
    before = first.stat().st_mtime_ns
    figures = folder.parent / "figures.json"
    runs = [run.folder for run in members]
    files = ["--out-of-fold", "train", "--out-of-fold", given, "--json", figures]
    done = invoke("ensemble", *runs, "--output", folder, "--folds", "2", "--biases", *files)
    assert done.exit_code == 0, done.output
    assert first.stat().st_mtime_ns == before, "what was trained is not trained again"
    return done.output, Run.open(folder), json.loads(figures.read_text())


def invoke(*words):
    return CliRunner().invoke(ser.app, list(map(str, words)), env={"COLUMNS": "200"})


def test_folds_are_trained_without_the_speakers_that_they_predict(made, dataset):
    _, run, _ = made
    everybody = set(dataset.split("train").speakers)
    asked = []
    for fold in ("1", "2"):
        config = Run.open(run.folder / "folds" / fold / "cnn").config
        trained, held_out = (set(config["data"]["speakers"][split]) for split in ("train", "validation"))
        assert trained | held_out == everybody
        assert not trained & held_out
        assert config["fit"]["keep"] == "last"
        asked += held_out
    assert sorted(asked) == sorted(everybody)


def test_weights_are_fitted_on_out_of_fold_answers_at_the_members_temperatures(made, members):
    _, run, figures = made
    stored = {name: read_stored(f"{run.folder / 'out_of_fold.npz'}:{name}") for name in ("cnn", "wav2vec2")}
    own = predict(members[0], TrainingClips.of(members[0]).dataset, Condition("train"))
    assert not np.allclose(own.probabilities, stored["cnn"].probabilities, atol=0.01), "others were trained"
    answers = [scaled(stored["cnn"].probabilities, TEMPERATURE), stored["wav2vec2"].probabilities]
    pool = Pool.fit(answers, stored["cnn"].truth, biased=True)
    described = run.config["model"]["members"]
    np.testing.assert_allclose([member["weight"] for member in described], pool.weights, atol=1e-3)
    assert [member["temperature"] for member in described] == [TEMPERATURE, 1.0]
    assert figures["members"] == described
    assert list(figures["biases"]) == list(run.labels)
    assert set(figures["measured"]) == {"cnn", "wav2vec2", "equal weights", "ensemble"}
    assert (figures["clips"], figures["speakers"], figures["folds"]) == (48, 4, 2)


def test_the_terminal_shows_members_weights_and_files(made):
    output, run, figures = made
    for name, measured in figures["measured"].items():
        assert f"{measured['ua']:.1%} ({measured['ua_interval'][0]:.1%}" in output, name
    assert f"Against {figures['best']}, the best member alone" in output
    assert f"next: ser evaluate {run.folder}" in output


def test_it_predicts_as_the_pool_of_its_members(made, members, dataset):
    _, run, _ = made
    answers = [predict(member, dataset, Condition()).probabilities for member in members]
    described = run.config["model"]
    pool = Pool(
        np.array([member["weight"] for member in described["members"]]), np.array(list(described["biases"].values()))
    )
    expected = pool.answers(answers)
    np.testing.assert_allclose(predict(run, dataset, Condition()).probabilities, expected, atol=1e-4)
    assert np.ptp(expected, axis=0).max() > 0.1, "clips should be answered differently"


def test_padding_changes_no_answer(made):
    _, run, _ = made
    recogniser = run.recogniser()
    clips = np.random.default_rng(0).normal(0, 0.1, (2, 9_000)).astype(np.float32)
    together = recogniser(tf.constant(clips), tf.constant([9_000, 3_000])).numpy()
    alone = recogniser(tf.constant(clips[1:, :3_000]), tf.constant([3_000])).numpy()
    np.testing.assert_allclose(together[1], alone[0], atol=1e-4)


def test_it_is_measured_calibrated_and_compared_like_any_run(made, members, dataset):
    _, run, figures = made
    for words in (["calibrate", run.folder, dataset.folder], ["evaluate", run.folder, dataset.folder, "--no-listen"]):
        done = invoke(*words)
        assert done.exit_code == 0, done.output
    assert run.metrics()["validation"]["calibration"]["temperature"] == Run.open(run.folder).temperature
    weight = f"{figures['members'][0]['weight']:.3f}"
    page, card = HtmlPage.of(run.folder / "report.html"), (run.folder / "model_card.md").read_text()
    assert ["cnn", "cnn", f"{TEMPERATURE:.3f}", weight] in [row[:4] for row in page.rows_of("cnn")]
    assert f"| cnn | cnn | {TEMPERATURE:.3f} | {weight} |" in card
    assert "an ensemble of cnn, wav2vec2" in page.text
    assert "log-mel spectrograms of 16 kHz audio and 16 kHz waveforms" in card
    assert "ser ensemble RUN RUN --output NEWRUN --folds 2 --channel clean --biases" in card
    done = invoke("compare", members[0].folder, run.folder)
    assert done.exit_code == 0, done.output
    assert "both against cnn" in done.output


@pytest.mark.parametrize("words", [["from"], ["cnn", "DATA", "NEWRUN", "--config"]])
def test_it_is_not_trained(made, words):
    done = invoke("train", *words, made[1].folder)
    assert isinstance(done.exception, UserError)
    assert "ensemble" in str(done.exception)
    assert "train its members anew" in str(done.exception)


def test_existing_folders_are_not_overwritten(made, interrupted, members, tmp_path):
    _, run, _ = made
    runs = [member.folder for member in members]
    same = ["--output", run.folder, "--biases", "--out-of-fold", "train", "--out-of-fold", interrupted[1]]
    for words, sentence in (
        ([*same, "--folds", "2"], "this very ensemble, finished"),
        (["--output", run.folder, "--folds", "2"], "already exists and is not empty"),
        (["--output", runs[0], "--folds", "2"], "already exists and is not empty"),
        (["--output", tmp_path / "new", "--folds", "9"], "9 folds need 9 training speakers"),
        (["--output", tmp_path / "new", "--out-of-fold", "train"], "is given 1 times for 2 runs"),
        (["--output", tmp_path / "new", "--channel", "radio"], "radio"),
    ):
        done = invoke("ensemble", *runs, *words)
        assert isinstance(done.exception, UserError)
        assert sentence in str(done.exception)
    assert not (tmp_path / "new").exists()


def test_a_member_without_weight_is_named():
    assert idle({"good": 0.9, "also good": 0.4, "useless": 0.001}) == ["useless"]
