"""A search on trainings that are a formula: drawing, pruning, resuming, and the result files."""

import csv
import json
from dataclasses import replace

import keras
import pytest

from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset
from tests.training.tuning.formula import SMALL, FormulaFamily, height
from training.fitting import train
from training.tuning.search import Search, SearchObserver, run_search
from training.tuning.space import Choice, Range
from training.tuning.trial import Pruning, State

SPACE = {"fit.learning_rate": Range(1e-5, 1e-1, log=True), "model.pooling": Choice(("mean", "attentive"))}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(
        tmp_path_factory.mktemp("dataset"), train=48, validation=12, test=12, speakers=4, seconds=(0.1, 0.2)
    )


@pytest.fixture(scope="module", autouse=True)
def formulas():
    """Trainings are formulas. They leave no network behind, and to look for one takes Keras a quarter of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.utils, "clear_session", lambda: None)
        patch.setattr(train, "train", lambda family, *arguments: family.trained_by_formula(*arguments))
        yield


def search_of(dataset, folder, formula, **changes):
    fields = {"space": SPACE, "trials": 5, "folds": 2, "pruning": Pruning(startup=2, warmup=1)} | changes
    return Search(family=formula, config=SMALL, dataset=dataset, folder=folder, **fields)


@pytest.fixture
def make(dataset, tmp_path):
    def make(formula, name="search", **changes):
        return search_of(dataset, tmp_path / name, formula, **changes)

    return make


@pytest.fixture(scope="module")
def whole(dataset, tmp_path_factory):
    """The folder of a search that nothing interrupted."""
    folder = tmp_path_factory.mktemp("searches") / "whole"
    run_search(search_of(dataset, folder, FormulaFamily()))
    return folder


def table(folder):
    """The rows of `trials.csv`."""
    with (folder / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_trials_value_is_the_mean_over_folds_and_the_best_is_kept(make):
    what = make(FormulaFamily(), pruning=None)
    trials, best = run_search(what)
    assert [trial.number for trial in trials] == list(range(1, 6))
    for trial in trials:
        rate = trial.settings["fit.learning_rate"]
        assert trial.folds == pytest.approx([height(rate, 1), height(rate, 2)])
        assert trial.value == pytest.approx(sum(trial.folds) / 2)
    assert best.value == max(trial.value for trial in trials)
    # Settings as they were come first, to compare with.
    assert trials[0].settings == {"fit.learning_rate": 1e-3, "model.pooling": "mean"}
    stated = json.loads((what.folder / "best.json").read_text())
    assert stated["fit"]["learning_rate"] == best.settings["fit.learning_rate"]
    assert stated["model"]["pooling"] == best.settings["model.pooling"]
    recipe = what.family.recipe(stated)
    assert (recipe.model.filters, recipe.fit.epochs) == ((4, 8), 4)
    rows = table(what.folder)
    assert [float(row["value"]) for row in rows] == [trial.value for trial in trials]
    assert [row["seconds"] for row in rows] == ["12.0"] * 5
    assert not list(what.folder.rglob("model.keras"))


def test_no_speaker_of_another_split_is_in_a_fold(make, dataset):
    formula = FormulaFamily()
    run_search(make(formula, trials=1))
    others = set(dataset.split("validation").speakers) | set(dataset.split("test").speakers)
    validating = []
    for fold in formula.datasets:
        assert set(fold.splits) == {"train", "validation"}
        sides = {name: set(fold.split(name).speakers) for name in fold.splits}
        assert not (sides["train"] | sides["validation"]) & others
        assert not sides["train"] & sides["validation"]
        assert sides["train"] | sides["validation"] == set(dataset.split("train").speakers)
        assert fold.split("train").clips + fold.split("validation").clips == dataset.split("train").clips
        validating += sides["validation"]
    assert sorted(validating) == sorted(dataset.split("train").speakers)


def test_a_trial_that_falls_behind_is_pruned(make):
    formula = FormulaFamily()
    trials, _ = run_search(make(formula, trials=7))
    pruned = [trial for trial in trials if trial.state is State.PRUNED]
    assert pruned
    for trial in pruned:
        assert trial.value is None
        assert len(trial.folds) < 2
        assert "below the median of the complete trials after epoch 2 of fold 1" in trial.reason
    assert formula.epochs == sum(len(trial.intermediate) for trial in pruned) + 8 * (len(trials) - len(pruned))
    # The better half of what was complete before goes on.
    complete = [trial.value for trial in trials if trial.state is State.COMPLETE]
    assert min(complete[2:]) >= min(complete[:2])


@pytest.mark.parametrize("moment", [0, 6, 8, 17])
def test_a_search_that_is_interrupted_comes_to_the_same(make, whole, moment):
    cut = make(FormulaFamily(interrupted_after=moment), "cut")
    with pytest.raises(KeyboardInterrupt):
        run_search(cut)
    # As if it had been killed while it wrote.
    journal = cut.folder / "study.journal"
    journal.write_text(journal.read_text() + '{"op_code":7,"worker')
    (cut.folder / "study.journal.lock").symlink_to(journal)
    run_search(cut)
    assert table(cut.folder) == table(whole)
    assert (cut.folder / "best.json").read_text() == (whole / "best.json").read_text()


def test_a_search_goes_on_to_more_trials_as_if_they_had_been_asked_for_at_once(make, whole):
    few = make(FormulaFamily(), "few", trials=2)
    run_search(few)
    formula = FormulaFamily()
    run_search(replace(few, trials=5, family=formula))
    assert formula.epochs > 0
    assert table(few.folder) == table(whole)
    # And one that is over trains nothing.
    formula = FormulaFamily()
    run_search(replace(few, trials=5, family=formula))
    assert formula.epochs == 0


def test_a_trial_that_fails_is_noted_and_the_search_goes_on(make):
    space = {"model.dropout": Choice((0.1, 0.95)), "model.hidden": Choice((1, 16)), "fit.batch_size": Choice((1, 32))}
    trials, best = run_search(make(FormulaFamily(), space=space, trials=10, pruning=None))
    assert best.settings == {"model.dropout": 0.1, "model.hidden": 16, "fit.batch_size": 32}
    reasons = {trial.reason for trial in trials if trial.state is State.FAILED}
    assert reasons == {
        "one unit is too few",
        "Keras takes no batches of 1",
        "the loss of fold 1 was no number after epoch 1",
    }


def test_settings_that_are_fine_one_by_one_may_not_go_together(make):
    class PickyFamily(FormulaFamily):
        def recipe_fields(self, config):
            if config["model"].get("hidden") == 16 and config["model"].get("dropout") == 0.1:
                raise UserError("sixteen units need more dropout")
            return super().recipe_fields(config)

    space = {"model.hidden": Choice((8, 16)), "model.dropout": Choice((0.1, 0.3))}
    trials, _ = run_search(make(PickyFamily(), space=space, trials=8, pruning=None))
    reasons = {(trial.settings["model.hidden"], trial.settings["model.dropout"]): trial.reason for trial in trials}
    assert reasons == {(8, 0.1): "", (8, 0.3): "", (16, 0.1): "sixteen units need more dropout", (16, 0.3): ""}


def test_a_search_whose_trials_all_fail_says_why(make):
    what = make(FormulaFamily(), space={"model.dropout": Range(0.91, 0.95)}, trials=2)
    with pytest.raises(UserError, match=r"every trial failed, the last since the loss of fold 1 was no number after"):
        run_search(what)
    assert [row["state"] for row in table(what.folder)] == ["failed", "failed"]
    assert not (what.folder / "best.json").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"folds": 3}, r"started with another folds \(2, now 3\)"),
        (
            {"config": {**SMALL, "fit": {"epochs": 5}}},
            r"another recipe\.fit\.epochs \(4, now 5\), recipe\.fit\.patience",
        ),
        ({"space": {"model.dropout": Range(0.0, 0.5)}}, r"another space\.fit\.learning_rate\.low \(1e-05, now none\)"),
        ({"pruning": None}, r"another pruning"),
    ],
)
def test_only_the_same_search_goes_on_in_a_folder(make, changes, words):
    what = make(FormulaFamily(), trials=1)
    run_search(what)
    with pytest.raises(UserError, match=words):
        run_search(replace(what, **changes))


def test_a_folder_that_holds_something_else_is_refused(make, dataset, tmp_path):
    what = make(FormulaFamily())
    with pytest.raises(UserError, match="is not empty and holds no search"):
        run_search(replace(what, folder=dataset.folder))
    what.folder.mkdir()
    (what.folder / "search.json").write_text("{")
    with pytest.raises(UserError, match=r"search\.json cannot be read"):
        run_search(what)
    run_search(make(FormulaFamily(), "damaged", trials=1))
    (tmp_path / "damaged" / "study.journal").write_text("no journal\n" * 2)
    with pytest.raises(UserError, match=r"study\.journal is damaged"):
        run_search(make(FormulaFamily(), "damaged", trials=1))


def test_data_that_cannot_be_cut_into_folds_are_refused(make, dataset):
    with pytest.raises(UserError, match=r"5 folds need 5 training speakers, and .* has 4: choose fewer folds"):
        run_search(make(FormulaFamily(), "many", folds=5))
    with pytest.raises(UserError, match="is split clip by clip"):
        run_search(replace(make(FormulaFamily(), "random"), dataset=replace(dataset, split_kind="random")))
    # The folder is not taken by a search that never began.
    assert not make(FormulaFamily(), "many").folder.exists()


def test_the_progress_is_told(make):
    class Listener(SearchObserver):
        def __init__(self):
            self.events = []

        def on_trial_begin(self, trial):
            self.events.append(("begin", trial.number, trial.resumed))

        def on_trial_end(self, trials):
            self.events.append(("end", trials[-1].number, trials[-1].state))

    listener = Listener()
    formula = FormulaFamily(interrupted_after=10)
    what = make(formula, trials=2)
    with pytest.raises(KeyboardInterrupt):
        run_search(what, listener)
    run_search(what, listener)
    assert listener.events == [
        ("begin", 1, False),
        ("end", 1, "complete"),
        ("begin", 2, False),
        ("begin", 2, True),
        ("end", 2, "complete"),
    ]
