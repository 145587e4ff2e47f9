import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("skops")
pytest.importorskip("xgboost")

from benchmarks.baseline.saved_baseline import SavedBaseline
from data_pipeline.statistics import FEATURE_SETS, feature_table
from tests.data_pipeline.prepared import write_dataset
from tests.html_page import HtmlPage

ROOT = Path(__file__).parent.parent.parent


def run(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "benchmarks.xgboost_baseline", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "tones", train=36, validation=18)


def test_fits_scores_reports_and_saves(dataset, tmp_path):
    out, saved, figures = tmp_path / "out", tmp_path / "saved", tmp_path / "figures.json"
    arguments = (dataset.folder, "--features", "functionals", "--classifiers", "svm-rbf,xgboost", "--out", out)

    done = run(*arguments, "--save", saved, "--json", figures)

    assert done.returncode == 0, done.stderr
    content = json.loads(figures.read_text())
    assert set(content["classifiers"]) == {"svm-rbf", "xgboost", "ensemble"}
    xgboost = content["classifiers"]["xgboost"]["validation"]
    assert content["classifiers"]["xgboost"]["split"] == xgboost
    assert xgboost["clips"] == 18
    for metric in ("wa", "ua", "macro_f1"):
        low, high = xgboost[f"{metric}_interval"]
        assert 0.3 < xgboost[metric] <= 1
        assert low <= xgboost[metric] <= high
    assert sum(xgboost["importance"].values()) == pytest.approx(1)
    assert content["extraction_seconds_per_clip"]["functionals"] > 0
    assert set(content["classifiers"]["ensemble"]["validation"]["weights"]) == {"svm-rbf", "xgboost"}
    page = HtmlPage.of(out / "functionals-validation.html")
    # A confusion matrix of each classifier, and a bar for each family of features.
    assert page.source.count('<table class="matrix">') == 3
    assert page.source.count('class="bar"') == len(xgboost["importance"])
    assert "made by a machine" in page.notices[0]
    assert "made by a machine" in done.stdout

    baseline = SavedBaseline.load(saved)
    assert baseline.speakers == ("synthetic/train0", "synthetic/train1", "synthetic/train2")
    table = feature_table(dataset, FEATURE_SETS["functionals"], out / "cache")
    truth = np.array([baseline.labels.index(emotion) for emotion in table.emotions])
    held_out = table.splits == "validation"
    for name in content["classifiers"]:
        answers = baseline.probabilities(name, {"functionals": table.values[held_out]})
        wa = (answers.argmax(1) == truth[held_out]).mean()
        assert wa == pytest.approx(content["classifiers"][name]["validation"]["wa"])
    with np.load(out / "functionals-validation.npz") as stored:
        assert stored["name"].tolist() == table.clips[held_out].tolist()
        assert stored["speaker"].tolist() == table.speakers[held_out].tolist()
        assert stored["truth"].tolist() == truth[held_out].tolist()
        np.testing.assert_allclose(stored["ensemble"], answers, atol=1e-6)


def test_finished_fits_are_taken_from_an_earlier_run(dataset, tmp_path):
    out = tmp_path / "out"
    arguments = (dataset.folder, "--features", "functionals", "--split", "leave-one-speaker-out", "--out", out)

    first = run(*arguments, "--classifiers", "k-nearest", "--json", tmp_path / "first.json")
    assert first.returncode == 0, first.stderr
    kept = {path: path.stat().st_mtime_ns for path in (out / "cache").iterdir()}
    second = run(*arguments, "--classifiers", "k-nearest", "--json", tmp_path / "second.json")

    assert second.returncode == 0, second.stderr
    assert len(kept) == 6 + 1
    assert {path: path.stat().st_mtime_ns for path in (out / "cache").iterdir()} == kept
    assert (tmp_path / "first.json").read_text() == (tmp_path / "second.json").read_text()


def test_frames_go_into_the_network(dataset, tmp_path):
    done = run(dataset.folder, "--features", "sequence", "--out", tmp_path / "out", "--json", tmp_path / "out.json")

    assert done.returncode == 0, done.stderr
    assert list(json.loads((tmp_path / "out.json").read_text())["classifiers"]) == ["network"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--features", "mine"),
        ("--split", "none"),
        ("--classifiers", "oracle"),
        ("--device", "gpu"),
        ("--split", "test"),
    ],
)
def test_an_unknown_value_is_one_line(option, value, dataset, tmp_path):
    done = run(dataset.folder, option, value, "--out", tmp_path / "out")

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {option} {value}: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_wrong_path_is_one_line(tmp_path):
    done = run(tmp_path / "nowhere", "--out", tmp_path / "out")

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.strip().splitlines()) == 1
