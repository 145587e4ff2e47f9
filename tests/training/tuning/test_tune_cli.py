"""`ser tune` with real trainings of a tiny network."""

import csv
import sys

import pytest
from typer.testing import CliRunner

import ser
from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset
from tests.html_page import HtmlPage
from training.run.folder import Run

SETTINGS = """
[model]
filters = [4, 8]
window_frames = 24
hidden = 8

[fit]
batch_size = 12
crop_seconds = 0.2
"""

# The learning rate that the family has by itself lies outside, so that all of it is drawn.
SPACE = """
[fit.learning_rate]
low = 5e-3
high = 1e-1
log = true

[model.hidden]
low = 4
high = 8
"""


def ask(*arguments):
    return CliRunner().invoke(ser.app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    return write_dataset(folder, train=24, validation=12, speakers=4, seconds=(0.2, 0.3))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "mine.toml").write_text(SETTINGS)
    (folder / "space.toml").write_text(SPACE)
    return folder


@pytest.fixture(scope="module")
def tune(dataset, files):
    shared = [
        "--folds",
        2,
        "--epochs",
        2,
        "--seed",
        3,
        "--config",
        files / "mine.toml",
        "--space",
        files / "space.toml",
    ]

    def tune(out):
        return ask("tune", "cnn", dataset.folder, out, "--trials", 1, *shared)

    return tune


@pytest.fixture(scope="module")
def tuned(tune, tmp_path_factory):
    out = tmp_path_factory.mktemp("searches") / "whole"
    return out, tune(out)


def rows(out):
    with (out / "trials.csv").open() as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def test_a_search_leaves_settings_to_train_by_a_table_and_a_page(tuned, dataset, tmp_path):
    out, done = tuned
    assert done.exit_code == 0, done.output
    assert "those of its validation split are not" in done.output
    assert f"page: {out / 'tuning.html'}" in done.output
    [best] = rows(out)
    assert best["state"] == "complete"
    assert 5e-3 <= float(best["fit.learning_rate"]) <= 1e-1
    page = HtmlPage.of(out / "tuning.html")
    assert "fit.learning_rate" in page.text
    assert page.tags["figure"] == 2
    assert f"best: trial 1 of 1, UA {float(best['value']):.1%}" in done.output
    trained = ask("train", "cnn", dataset.folder, tmp_path / "run", "--config", out / "best.json", "--epochs", 1)
    assert trained.exit_code == 0, trained.output
    config = Run.open(tmp_path / "run").config
    assert config["fit"]["learning_rate"] == float(best["fit.learning_rate"])
    assert (config["model"]["hidden"], config["fit"]["seed"]) == (int(best["model.hidden"]), 3)


def test_a_search_that_was_interrupted_in_a_training_comes_to_the_same(tuned, tune, tmp_path, monkeypatch):
    written = []
    write_history = Run.write_history

    def interrupted(run, history):
        write_history(run, history)
        written.append(run.folder)
        # The first epoch of the second fold.
        if len(written) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Run, "write_history", interrupted)
    assert tune(tmp_path / "cut").exit_code != 0
    done = tune(tmp_path / "cut")
    assert "trial 1/1 goes on" in done.output
    # That epoch once more, and the one after it.
    assert len(written) == 5
    assert rows(tmp_path / "cut") == rows(tuned[0])


def test_what_is_wrong_is_said_before_anything_is_trained(dataset, files, tmp_path):
    (tmp_path / "space.toml").write_text("[fit.learning_rte]\nlow = 0.1\nhigh = 0.2")
    for options, words in (
        (["--space", tmp_path / "space.toml"], "space.toml: fit.learning_rte is not a setting"),
        (["--weights", "yamnet.h5"], "weights is not a setting"),
        (["--preset", "loud"], "preset must be one of plain"),
        (["--config", tmp_path / "none.toml"], "none.toml cannot be read"),
    ):
        with pytest.raises(UserError, match=words):
            raise ask("tune", "cnn", dataset.folder, tmp_path / "out", *options).exception
    with pytest.raises(UserError, match="no family of models 'forest'"):
        raise ask("tune", "forest", dataset.folder, tmp_path / "out").exception
    assert not (tmp_path / "out").exists()


def test_without_optuna_it_says_what_to_install(tune, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"needs Optuna, which is not installed: run pip install '\.\[tune\]'"):
        raise tune(tmp_path / "out").exception
