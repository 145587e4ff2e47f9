import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import ser
from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError
from data_pipeline.pages import points
from tests.data_pipeline.prepared import write_dataset
from tests.html_page import HtmlPage
from tests.training.report.test_report import untrained
from training.evaluation import comparison as comparing
from training.evaluation.comparison import compare_runs, dataset_of
from training.evaluation.condition import Condition
from training.report import comparison as pages
from training.run.answers import Predictions
from training.run.folder import Run


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("dataset"), train=12, validation=36)


@pytest.fixture(scope="module")
def run(dataset, tmp_path_factory):
    return untrained(dataset, tmp_path_factory.mktemp("runs") / "first")


def copy_of(run, folder, **changes):
    """The same weights in another folder, with other fields in its configuration."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({**run.config, **changes}))
    (folder / "model.keras").symlink_to(run.folder / "model.keras")
    return Run.open(folder)


def answering(shares, monkeypatch):
    """Make `predict` return predictions of which a share is right, run by run."""
    truth, speakers = np.arange(240) % 6, np.repeat([f"synthetic/validation{number}" for number in range(10)], 24)
    left = iter(enumerate(shares))

    def predict(run, dataset, condition, on_batch):
        seed, share = next(left)
        right = np.random.default_rng(seed).random(240) < share
        answers = np.eye(6)[np.where(right, truth, (truth + 1) % 6)]
        return Predictions(np.arange(240).astype(str), speakers, truth, answers)

    monkeypatch.setattr(comparing, "predict", predict)


def test_a_run_is_no_better_than_itself(run, dataset, tmp_path):
    copy_of(run, tmp_path / "second")
    files = ["--json", str(tmp_path / "found.json"), "--html", str(tmp_path / "found.html")]
    done = CliRunner().invoke(ser.app, ["compare", str(run.folder), str(tmp_path / "second"), *files])
    assert done.exit_code == 0, done.output
    assert "second against first" in done.output
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["clips"], found["speakers"], found["condition"]) == (36, 3, "validation")
    [one] = found["comparisons"]
    assert one["metrics"]["ua"]["interval"] == [0.0, 0.0]
    assert one["mcnemar"] == {"only_first": 0, "only_second": 0, "p": None, "p_corrected": None}
    assert "cannot tell" in done.output
    first, second = found["runs"]
    assert {**first, "folder": ""} == {**second, "folder": ""}
    page = HtmlPage.of(tmp_path / "found.html")
    assert [row[-1] for row in page.rows_of("WA")] == ["cannot tell"]
    row = page.rows_of("first")[0]
    assert row[1] == "cnn"
    assert row[2].startswith(f"{first['wa']:.1%} (")
    assert "synthetic" in page.notices[0]
    assert "had its epoch chosen on 3 of these speakers" in page.notices[1]


def test_better_runs_are_found_and_p_is_corrected_for_their_number(run, dataset, tmp_path, monkeypatch):
    runs = [run, copy_of(run, tmp_path / "better"), copy_of(run, tmp_path / "alike")]
    answering([0.5, 0.8, 0.5], monkeypatch)
    found = compare_runs(runs, dataset, Condition())
    better, alike = found["comparisons"]
    assert better["metrics"]["wa"]["difference"] == pytest.approx(found["runs"][1]["wa"] - found["runs"][0]["wa"])
    assert better["metrics"]["wa"]["p_corrected"] == pytest.approx(2 * better["metrics"]["wa"]["p"])
    assert better["mcnemar"]["p_corrected"] < 0.001
    assert alike["metrics"]["wa"]["p_corrected"] > 0.05
    assert better["recalls"]["fear"] == pytest.approx(
        found["runs"][1]["recalls"]["fear"] - found["runs"][0]["recalls"]["fear"]
    )
    pages.write(found, tmp_path / "page.html")
    page = HtmlPage.of(tmp_path / "page.html")
    assert [row[0] for row in page.marked] == ["WA", "UA", "macro-F1"]
    assert [row[1] for row in page.marked] == [
        points(better["metrics"][name]["difference"]) for name in ("wa", "ua", "macro_f1")
    ]
    assert pages.names_of(found) == ["first", "better", "alike"]


def test_runs_that_cannot_be_compared_are_named(run, dataset, tmp_path):
    with pytest.raises(UserError, match="name two or more"):
        compare_runs([run], dataset, Condition())
    narrow = copy_of(run, tmp_path / "narrow", labels=list(LABELS[:3]))
    with pytest.raises(UserError, match=r"narrow tells anger, disgust, fear apart and .*: only runs with the same"):
        compare_runs([run, narrow], dataset, Condition())
    data = {**run.config["data"], "fingerprint": "another"}
    elsewhere = copy_of(run, tmp_path / "elsewhere", data=data)
    with pytest.raises(UserError, match="trained on different data: say with --data"):
        dataset_of([run, elsewhere])
    with pytest.raises(UserError, match="no test clips"):
        compare_runs([run, replace(run)], dataset, Condition("test"))
