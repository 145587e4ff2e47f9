import csv
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
import soundfile
from rich.console import Console
from typer.testing import CliRunner

import ser
from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.augment import AugmentSettings
from data_pipeline.dataset import Dataset
from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError
from data_pipeline.targets import Target
from tests.data_pipeline.prepared import write_dataset
from tests.voice import voice
from training import report
from training.evaluation.condition import Condition
from training.evaluation.evaluate import evaluate, predict
from training.families.mobilenet.family import FAMILY
from training.families.mobilenet.network import build as build_mobilenet
from training.families.mobilenet.recipe import PRESETS, MobileNetRecipe, MobileNetSettings
from training.families.recipe import FitSettings
from training.fitting.adamw import LayerwiseAdamW, averaged_weights
from training.fitting.fit import class_weights
from training.fitting.observer import Observer
from training.fitting.train import train
from training.report.figures import learning_curves
from training.run.folder import Run

RECIPE = MobileNetRecipe(
    model=MobileNetSettings(alpha=0.25, window_frames=48, hidden=32, dropout=0.0),
    fit=FitSettings(
        epochs=8,
        patience=8,
        batch_size=10,
        learning_rate=1e-2,
        crop_seconds=0.5,
        label_smoothing=0.0,
        augment=AugmentSettings(shift=0.05, gain=3.0, band_masks=0, frame_masks=0, mixup=0.0),
    ),
)


class Listener(Observer):
    def __init__(self):
        self.steps, self.rows, self.best = 0, [], []

    def on_epoch_begin(self, epoch, steps):
        self.announced = steps

    def on_step(self):
        self.steps += 1

    def on_epoch_end(self, row, best):
        self.rows.append(row)
        self.best.append(best)


def heard_by_some(side, index):
    """Votes on every second clip, most of them for what was acted."""
    return {LABELS[index % 6]: 3, LABELS[(index + 1) % 6]: 1} if index % 2 else None


ONE_EPOCH = FitSettings(epochs=1, batch_size=60, crop_seconds=0.3)


def one_epoch(labels=LABELS, kind="acted"):
    return MobileNetRecipe(model=RECIPE.model, fit=ONE_EPOCH, target=Target(labels, kind))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("dataset"), train=120, validation=36)


@pytest.fixture(scope="module")
def voted(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("voted"), train=60, validation=36, votes=heard_by_some)


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    listener = Listener()
    run, best = train(FAMILY, RECIPE, dataset, tmp_path_factory.mktemp("runs") / "run", listener)
    return run, best, listener


def test_training_learns_and_keeps_the_best_epoch(trained, dataset):
    run, best, listener = trained
    assert listener.rows[-1].loss < listener.rows[0].loss
    assert best.validation_ua == max(row.validation_ua for row in listener.rows)
    # Six pitches far apart: a network that learns anything tells most of them; chance is a sixth.
    assert best.validation_ua > 0.5
    answers = predict(run, dataset, Condition("validation"))
    kept = np.mean([(answers.probabilities.argmax(1) == answers.truth)[answers.truth == k].mean() for k in range(6)])
    assert kept == pytest.approx(best.validation_ua)


def test_progress_is_told_step_by_step(trained):
    _, _, listener = trained
    assert listener.announced == 12
    assert listener.steps == 12 * len(listener.rows)


def test_the_run_folder_holds_all_it_takes_to_do_it_again(trained, dataset):
    run, _, listener = trained
    config = json.loads((run.folder / "config.json").read_text())
    assert config["model"]["family"] == "mobilenet"
    assert config["fit"]["learning_rate"] == 1e-2
    assert config["data"]["fingerprint"] == dataset.fingerprint
    assert config["versions"]["keras"]
    with (run.folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [row.epoch for row in listener.rows]
    assert not list(run.folder.glob("*part*"))


def test_early_stopping_waits_for_its_patience(dataset, tmp_path):
    still = FitSettings(epochs=5, patience=2, batch_size=60, learning_rate=0.0, crop_seconds=0.5)
    listener = Listener()
    train(FAMILY, MobileNetRecipe(model=RECIPE.model, fit=still), dataset, tmp_path / "run", listener)
    # Without a learning rate only the norms' statistics move, and UA soon stops getting better.
    assert len(listener.rows) < 5
    assert listener.best[-2:] == [False, False]


def test_evaluation_says_what_it_measured(trained, dataset):
    run, _, _ = trained
    metrics = evaluate(run, dataset, Condition("validation"))
    assert metrics["split"] == "validation"
    assert metrics["clips"] == 36
    assert metrics["speakers"] == 3
    assert metrics["seen_speakers"] == {"train": 0, "validation": 3}
    assert "chosen on 3 of these speakers" in " ".join(report.notices(metrics))
    assert set(metrics) >= {"wa", "ua", "macro_f1", "per_class", "confusion", "wa_interval", "ece"}
    assert "synthetic" in " ".join(report.notices(metrics))
    on_train = evaluate(run, dataset, Condition("train"))
    assert on_train["seen_speakers"] == {"train": 3, "validation": 0}
    assert "trained on 3 of these speakers" in " ".join(report.notices(on_train))


def test_another_corpus_is_measured_whole_and_under_its_name(trained, dataset, tmp_path):
    run, _, _ = trained
    other = tmp_path / "other"
    shutil.copytree(dataset.folder, other)
    content = json.loads((other / "dataset.json").read_text())
    content |= {"corpora": ["emodb"], "fingerprint": "0123456789"}
    (other / "dataset.json").write_text(json.dumps(content))
    metrics = evaluate(run, Dataset.open(other), Condition("all"))
    assert metrics["condition"] == "all, of emodb (01234567)"
    assert metrics["corpora"] == ["emodb"]
    assert metrics["clips"] == sum(side.clips for side in dataset.splits.values())


@pytest.mark.parametrize(
    ("condition", "title"),
    [
        (Condition("validation", channel="telephone"), "validation, telephone"),
        (
            Condition("validation", channel="telephone-alaw", packet_loss=0.1),
            "validation, telephone-alaw with 10% packet loss",
        ),
        (Condition("validation", labels="voted"), "validation, as heard"),
    ],
)
def test_every_condition_has_metrics_of_its_own(trained, voted, condition, title):
    run, _, _ = trained
    run.record_metrics(evaluate(run, voted, Condition("validation")))
    run.record_metrics(evaluate(run, voted, condition))
    recorded = run.metrics()
    assert {"validation", title} <= recorded.keys()
    assert recorded[title]["channel"] == condition.channel
    assert recorded[title]["measured_against"] == condition.labels
    page = report.write(run).read_text()
    assert title in page


def test_packet_losses_have_titles_of_their_own():
    losses = [0.0, 0.004, 0.01, 0.014, 0.07, 0.5]
    titles = [Condition(channel="telephone", packet_loss=loss).title for loss in losses]
    assert len(set(titles)) == len(losses)
    assert titles[1] == "validation, telephone with 0.4% packet loss"
    assert titles[4] == "validation, telephone with 7% packet loss"


def test_a_telephone_changes_answers_and_is_the_same_every_time(trained, dataset):
    run, _, _ = trained
    clean = predict(run, dataset, Condition("validation")).probabilities
    first, again = (
        predict(run, dataset, Condition("validation", channel="telephone", packet_loss=0.2)).probabilities
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - clean).max() > 1e-3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"channel": "walkie-talkie"}, "'walkie-talkie' is no channel; choose one of clean"),
        ({"packet_loss": 0.1}, "a clean channel loses no packets"),
        ({"channel": "telephone", "packet_loss": 1.5}, "give a share between 0 and 1"),
        ({"labels": "soft"}, "choose --labels acted or voted, not 'soft'"),
        ({"labels": "loud"}, "choose --labels acted or voted, not 'loud'"),
    ],
)
def test_conditions_that_make_no_sense_are_refused(settings, words):
    with pytest.raises(UserError, match=words):
        Condition(**settings)


@pytest.mark.parametrize(
    ("condition", "words"),
    [(Condition("test"), "no test clips"), (Condition(labels="voted"), "no validation clip .* has listeners' votes")],
)
def test_conditions_that_the_data_cannot_meet_are_refused(trained, dataset, condition, words):
    run, _, _ = trained
    with pytest.raises(UserError, match=words):
        evaluate(run, dataset, condition)


def test_a_condition_is_checked_before_anything_is_opened(tmp_path):
    command = ["evaluate", str(tmp_path / "none"), str(tmp_path / "none")]
    done = CliRunner().invoke(ser.app, [*command, "--channel", "walkie-talkie"])
    assert isinstance(done.exception, UserError)
    assert "choose" in str(done.exception)
    done = CliRunner().invoke(ser.app, [*command, "--labels", "soft"])
    assert done.exit_code == 2
    assert "'soft' is not one of" in done.output
    with pytest.raises(UserError, match="choose --labels acted or voted, not 'soft'"):
        Condition(labels="soft")


@pytest.mark.parametrize("kind", ["voted", "soft"])
def test_data_without_votes_cannot_teach_them(dataset, tmp_path, kind):
    with pytest.raises(UserError, match=r"no train clip of .* has listeners' votes: choose --labels acted"):
        train(FAMILY, one_epoch(kind=kind), dataset, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_votes_on_clips_that_are_left_out_teach_nothing(tmp_path):
    data = write_dataset(tmp_path / "data", votes=lambda _, index: {LABELS[2]: 1} if index % 6 == 2 else None)
    with pytest.raises(UserError, match=r"no train clip of .* labelled anger, sadness has listeners' votes"):
        train(FAMILY, one_epoch(("anger", "sadness"), "voted"), data, tmp_path / "run")


@pytest.mark.parametrize("kind", ["voted", "soft"])
def test_a_validation_side_of_ties_is_refused_before_the_first_epoch(tmp_path, kind):
    def votes(side, index):
        return {"anger": 2, "fear": 2} if side == "validation" else heard_by_some(side, 2 * index + 1)

    listener = Listener()
    data = write_dataset(tmp_path / "data", votes=votes)
    with pytest.raises(UserError, match=r"for no validation clip of .*: train with --labels acted"):
        train(FAMILY, one_epoch(kind=kind), data, tmp_path / "run", listener)
    assert listener.steps == 0
    assert not (tmp_path / "run").exists()


def test_a_training_has_an_epoch_at_least():
    with pytest.raises(UserError, match="epochs is 0: give 1 or more"):
        FitSettings(epochs=0)


def test_a_label_without_a_training_clip_is_named(dataset, tmp_path):
    with pytest.raises(UserError, match=r"no training clip of .* is labelled calm: .* --emotions anger,disgust,fear"):
        train(FAMILY, one_epoch(("anger", "calm")), dataset, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_no_emotions_are_not_the_usual_ones(dataset, tmp_path):
    arguments = ["train", "mobilenet", str(dataset.folder), str(tmp_path / "run"), "--emotions", ""]
    done = CliRunner().invoke(ser.app, arguments)
    assert isinstance(done.exception, UserError)
    assert "name two or more of anger" in str(done.exception)


def test_clips_that_count_as_acted_for_want_of_votes_are_told(voted, tmp_path):
    run, _ = train(FAMILY, one_epoch(kind="voted"), voted, tmp_path / "run")
    assert run.config["data"]["without_votes"] == {"train": 30, "validation": 18}
    metrics = evaluate(run, voted, Condition(labels="voted"))
    assert metrics["without_votes"] == 18
    assert "18 of 36 clips have no votes and count as acted" in " ".join(report.notices(metrics))
    against_acted = evaluate(run, voted, Condition())
    assert against_acted["without_votes"] == 0
    assert "no votes" not in " ".join(report.notices(against_acted))
    assert "what most listeners heard (30 of 60 training clips have no votes" in report.write(run).read_text()


def test_the_confusion_says_what_its_rows_are(trained, voted):
    run, _, _ = trained
    console = Console(record=True, width=160)
    report.show(evaluate(run, voted, Condition(labels="voted")), console)
    assert "voted \\ answered" in console.export_text()


def test_a_run_says_which_labels_it_learned(voted, tmp_path):
    run, _ = train(FAMILY, one_epoch(("anger", "disgust", "neutral"), "soft"), voted, tmp_path / "run")
    assert run.labels == ("anger", "disgust", "neutral")
    assert run.config["label_kind"] == "soft"
    assert run.config["data"]["clips"] == {"train": 30, "validation": 18}
    assert run.config["data"]["outside_labels"]["train"] == {"fear": 10, "happiness": 10, "sadness": 10}
    assert run.config["data"]["without_votes"] == {"train": 20, "validation": 12}
    metrics = evaluate(run, voted, Condition("validation"))
    assert metrics["clips"] == 18
    assert metrics["learned"] == "soft"
    notices = " ".join(report.notices(metrics))
    assert "the shares of listeners' votes" in notices
    assert "left out: fear 6, happiness 6, sadness 6" in notices


def test_the_commands_train_and_evaluate(dataset, tmp_path):
    runner = CliRunner()
    options = ["--alpha", "0.125", "--epochs", "1", "--seed", "3", "--hidden", "8"]
    done = runner.invoke(ser.app, ["train", "mobilenet", str(dataset.folder), str(tmp_path / "run"), *options])
    assert done.exit_code == 0, done.output
    assert "best epoch 1" in done.output
    arguments = [
        "evaluate",
        str(tmp_path / "run"),
        str(dataset.folder),
        "--json",
        str(tmp_path / "metrics.json"),
    ]
    done = runner.invoke(ser.app, arguments)
    assert done.exit_code == 0, done.output
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert written["split"] == "validation"
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == {"validation": written}
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"{written['wa']:.1%}" in page
    assert "synthetic" in page
    assert "<svg" in page
    done = runner.invoke(ser.app, ["export", str(tmp_path / "run"), str(tmp_path / "models")])
    assert done.exit_code == 0, done.output
    soundfile.write(tmp_path / "clip.wav", voice(), 16_000)
    asked = ["predict", str(tmp_path / "clip.wav"), "--model", str(tmp_path / "models" / "ser"), "--json"]
    done = runner.invoke(ser.app, asked)
    assert done.exit_code == 0, done.output
    answer = json.loads(done.output)
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_a_run_folder_in_use_is_refused(dataset, trained):
    run, _, _ = trained
    with pytest.raises(UserError, match="already exists"):
        train(FAMILY, RECIPE, dataset, run.folder)


@pytest.mark.parametrize("recipe", [MobileNetRecipe(unfreeze="none"), MobileNetRecipe(unfreeze_epochs=1.0)])
def test_random_layers_are_not_kept(recipe, dataset, tmp_path):
    with pytest.raises(UserError, match="random weights has to learn from the start"):
        train(FAMILY, recipe, dataset, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        (MobileNetRecipe, {"unfreeze": "some"}, "unfreeze is 'some': give 'none', 'last' or 'all'"),
        (MobileNetRecipe, {"layer_decay": 0.0}, "layer_decay is 0.0: give a number above 0"),
        (FitSettings, {"average": 1.0}, "average is 1.0: give a number at least 0 and below 1"),
        (FitSettings, {"keep": "first"}, "keep is 'first': give 'best' or 'last'"),
        (FitSettings, {"class_balance": 2.0}, "class_balance is 2.0: give a number from 0 to 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(kind, settings, words):
    with pytest.raises(UserError, match=words):
        kind(**settings)


WITH_EVERYTHING = replace(
    RECIPE, layer_decay=0.9, head_scale=2.0, fit=replace(RECIPE.fit, epochs=3, average=0.9, class_balance=1.0)
)


class Interrupter(Listener):
    """Ends a training in its second epoch."""

    def on_step(self):
        super().on_step()
        if len(self.rows) == 1:
            raise KeyboardInterrupt


def test_the_last_epoch_can_be_kept_whatever_the_validation_speakers_say(dataset, tmp_path):
    fit = replace(RECIPE.fit, epochs=3, patience=1, learning_rate=0.0, keep="last")
    listener = Listener()
    _, kept = train(FAMILY, replace(RECIPE, fit=fit), dataset, tmp_path / "run", listener)
    assert (kept.epoch, listener.best) == (3, [True, True, True])


def test_validation_speakers_are_heard_every_so_many_epochs_and_after_the_last(dataset, tmp_path):
    fit = replace(RECIPE.fit, epochs=5, validate_every=2)
    listener = Listener()
    run, kept = train(FAMILY, replace(RECIPE, fit=fit), dataset, tmp_path / "run", listener)
    assert [row.validation_ua is not None for row in listener.rows] == [False, True, False, True, True]
    assert [row["validation_loss"] is not None for row in run.history()] == [False, True, False, True, True]
    best = max((row for row in listener.rows if row.validation_ua is not None), key=lambda row: row.validation_ua)
    assert kept == best
    assert not listener.best[0]
    learning_curves(run.history())


def test_patience_does_not_run_out_between_two_looks(dataset, tmp_path):
    fit = replace(RECIPE.fit, epochs=5, validate_every=3, patience=1, keep="last")
    run, kept = train(FAMILY, replace(RECIPE, fit=fit), dataset, tmp_path / "run")
    assert (kept.epoch, len(run.history())) == (5, 5)


def test_averaged_weights_are_kept_and_an_interrupted_training_comes_to_the_same(dataset, tmp_path):
    whole, best = train(FAMILY, WITH_EVERYTHING, dataset, tmp_path / "whole")
    answers = predict(whole, dataset, Condition("validation"))
    recalls = [(answers.probabilities.argmax(1) == answers.truth)[answers.truth == k].mean() for k in range(6)]
    assert np.mean(recalls) == pytest.approx(best.validation_ua)
    with pytest.raises(KeyboardInterrupt):
        train(FAMILY, WITH_EVERYTHING, dataset, tmp_path / "resumed", Interrupter())
    resumed, _ = train(FAMILY, WITH_EVERYTHING, dataset, tmp_path / "resumed")
    assert [row["loss"] for row in resumed.history()] == [row["loss"] for row in whole.history()]
    for mine, its in zip(resumed.recogniser().model.weights, whole.recogniser().model.weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), its.numpy())


def test_an_average_is_of_the_weights_that_were(dataset):
    model = build_mobilenet(RECIPE.model, 6, LogMelSettings())
    optimizer = LayerwiseAdamW(0.1, scales=[1.0] * len(model.trainable_variables), use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, "categorical_crossentropy")
    optimizer.build(model.trainable_variables)
    weight = model.trainable_variables[-1]
    features = {"log_mel": np.ones((2, 50, 64), np.float32), "num_frames": np.array([50, 50])}
    seen = []
    for _ in range(3):
        model.fit(features, np.eye(6)[[0, 1]], verbose=0)
        seen.append(weight.numpy())
    with averaged_weights(model):
        np.testing.assert_allclose(weight.numpy(), (seen[0] + seen[1]) / 4 + seen[2] / 2, rtol=1e-5)
    np.testing.assert_array_equal(weight.numpy(), seen[2])


def test_a_weight_learns_from_its_start_on():
    weights = [keras.Variable([1.0]), keras.Variable([1.0])]
    optimizer = LayerwiseAdamW(0.1, scales=[1.0, 0.5], starts=[0, 2], weight_decay=0.0)
    moved = []
    for _ in range(3):
        before = [float(weight.numpy()[0]) for weight in weights]
        optimizer.apply([keras.ops.ones(1), keras.ops.ones(1)], weights)
        moved.append([value - float(weight.numpy()[0]) for value, weight in zip(before, weights, strict=True)])
    np.testing.assert_allclose([first for first, _ in moved], 0.1, rtol=1e-4)
    np.testing.assert_allclose([second for _, second in moved], [0.0, 0.0, 0.05], rtol=1e-4)


def test_rare_classes_count_more_as_far_as_is_asked(dataset):
    side = replace(dataset.split("train"), emotions={"anger": 10, "fear": 30})
    uneven = replace(dataset, splits={"train": side})
    target = Target(("anger", "fear"))
    np.testing.assert_allclose(class_weights(uneven, target, 0.0), [1.0, 1.0])
    np.testing.assert_allclose(class_weights(uneven, target, 1.0), [2.0, 2 / 3], rtol=1e-6)
    half = class_weights(uneven, target, 0.5)
    assert half[0] / half[1] == pytest.approx(3**0.5)
    assert (half * [10, 30]).sum() == pytest.approx(40)


def test_votes_can_have_a_share_of_an_acted_label(voted, tmp_path):
    recipe = replace(one_epoch(), target=Target(votes_share=0.3))
    run, _ = train(FAMILY, recipe, voted, tmp_path / "run")
    assert run.config["label_kind"] == "acted"
    assert run.config["votes_share"] == 0.3
    assert run.config["data"]["without_votes"] == {"train": 30, "validation": 18}


def test_a_small_network_from_scratch_can_be_trained_by_command(dataset, tmp_path):
    arguments = ["train", "cnn", str(dataset.folder), str(tmp_path / "run"), "--epochs", "1", "--hidden", "8"]
    arguments += ["--training-dtype", "bfloat16"]
    done = CliRunner().invoke(ser.app, arguments)
    assert done.exit_code == 0, done.output
    assert "best epoch 1" in done.output
    run = Run.open(tmp_path / "run")
    assert run.config["model"]["family"] == "cnn"
    assert run.config["model"]["training_dtype"] == "bfloat16"
    assert predict(run, dataset, Condition()).probabilities.shape == (36, 6)


def test_another_process_can_use_a_run(dataset, tmp_path):
    options = ["--epochs", "1", "--alpha", "0.125", "--hidden", "8", "--pooling", "attentive"]
    CliRunner().invoke(ser.app, ["train", "mobilenet", str(dataset.folder), str(tmp_path / "run"), *options])
    code = "import sys; from training.run.folder import Run; print(Run.open(sys.argv[1]).recogniser().model.name)"
    asked = [sys.executable, "-c", code, str(tmp_path / "run")]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "mobilenet", done.stderr


def test_what_is_given_counts_more_than_the_preset(dataset, tmp_path):
    options = ["--preset", "scratch", "--epochs", "1", "--alpha", "0.125", "--hidden", "8", "--pooling", "attentive"]
    options += ["--average", "0.5", "--band-masks", "1", "--votes-share", "0"]
    done = CliRunner().invoke(ser.app, ["train", "mobilenet", str(dataset.folder), str(tmp_path / "run"), *options])
    assert done.exit_code == 0, done.output
    config = Run.open(tmp_path / "run").config
    assert (config["model"]["alpha"], config["model"]["pooling"]) == (0.125, "attentive")
    fit, known = config["fit"], PRESETS["scratch"].fit
    assert (fit["learning_rate"], fit["average"], fit["augment"]["band_masks"]) == (known.learning_rate, 0.5, 1)
    done = CliRunner().invoke(
        ser.app, ["train", "mobilenet", str(dataset.folder), str(tmp_path / "other"), "--preset", "loud"]
    )
    assert done.exit_code == 2
    assert "'loud' is not one of 'plain'" in done.output


def test_what_is_not_a_run_is_named(tmp_path):
    with pytest.raises(UserError, match="not a run folder"):
        Run.open(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="not JSON"):
        Run.open(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(UserError, match="lacks data, fit, front_end, label_kind, labels, model, weights"):
        Run.open(tmp_path)
    fields = {
        "labels": ["anger"],
        **{name: {} for name in ("model", "fit", "front_end", "label_kind", "data", "weights")},
        "model": {"family": "cnn"},
    }
    (tmp_path / "config.json").write_text(json.dumps(fields))
    with pytest.raises(UserError, match=r"no model\.keras"):
        Run.open(tmp_path)
    (tmp_path / "model.keras").write_text("junk")
    with pytest.raises(UserError, match="cannot be read"):
        Run.open(tmp_path).recogniser()
    (tmp_path / "metrics.json").write_text("{")
    with pytest.raises(UserError, match=r"metrics\.json is not JSON"):
        Run.open(tmp_path).metrics()


def test_a_training_that_fails_leaves_no_run_folder(dataset, tmp_path):
    class Interrupter(Observer):
        def on_step(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(FAMILY, RECIPE, dataset, tmp_path / "run", Interrupter())
    assert not (tmp_path / "run").exists()


def test_an_interruption_keeps_what_can_be_resumed(dataset, tmp_path):
    recipe = replace(RECIPE, fit=replace(RECIPE.fit, epochs=3, validate_every=3))
    whole, _ = train(FAMILY, recipe, dataset, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(FAMILY, recipe, dataset, tmp_path / "run", Interrupter())
    with pytest.raises(UserError, match=r"run has no model\.keras: its training has kept no epoch yet; continue it"):
        Run.open(tmp_path / "run")
    resumed, _ = train(FAMILY, recipe, dataset, tmp_path / "run")
    assert [row["loss"] for row in resumed.history()] == [row["loss"] for row in whole.history()]


def test_two_trainings_in_one_folder_are_one_too_many(dataset, tmp_path):
    class Second(Observer):
        def on_step(self):
            with pytest.raises(UserError, match=r"another run is writing to .*run: wait for it, or"):
                train(FAMILY, one_epoch(), dataset, tmp_path / "run")

    run, _ = train(FAMILY, one_epoch(), dataset, tmp_path / "run", Second())
    assert (run.folder / "model.keras").exists()


def test_a_killed_training_does_not_keep_its_folder_from_others(dataset, tmp_path):
    code = "import os, pathlib, sys; from data_pipeline.storage.claimed_folder import claimed\n"
    code += "with claimed(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", code, tmp_path / "run"])
    assert killed.returncode == -9
    train(FAMILY, one_epoch(), dataset, tmp_path / "run")


def test_half_written_files_of_a_killed_training_are_not_in_the_way(dataset, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / ".a1b2c3.part.json").write_text("{")
    run, _ = train(FAMILY, one_epoch(), dataset, folder)
    assert not list(run.folder.glob(".*"))
    (folder / ".notes").write_text("mine")
    with pytest.raises(UserError, match="finished"):
        train(FAMILY, one_epoch(), dataset, folder)
    assert (folder / ".notes").exists()


def test_a_run_folder_that_cannot_be_made_is_named(dataset, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file/run cannot be written"):
        train(FAMILY, RECIPE, dataset, tmp_path / "file" / "run")
