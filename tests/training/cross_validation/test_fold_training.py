import pytest

from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset
from tests.training.evaluation.test_comparison import copy_of
from tests.training.report.test_report import untrained
from training.cross_validation.fold_training import fold_recipe


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    dataset = write_dataset(tmp_path_factory.mktemp("dataset"), train=12, validation=12, seconds=(0.3, 0.4))
    return untrained(dataset, tmp_path_factory.mktemp("runs") / "run")


def test_folds_train_as_long_as_the_kept_epoch_took_and_keep_the_last(run, tmp_path):
    rows = [{"epoch": epoch, "validation_ua": ua} for epoch, ua in enumerate([0.3, 0.5, None, 0.5], start=1)]
    best = copy_of(run, tmp_path / "best")
    best.write_history(rows)
    assert (fold_recipe(best).fit.keep, fold_recipe(best).fit.epochs) == ("last", 2)
    last = copy_of(run, tmp_path / "last", fit={**run.config["fit"], "keep": "last", "epochs": 4})
    last.write_history(rows)
    assert (fold_recipe(last).fit.keep, fold_recipe(last).fit.epochs) == ("last", 4)
    assert fold_recipe(last).fit.learning_rate == run.config["fit"]["learning_rate"]
    with pytest.raises(UserError, match=r"no history\.csv"):
        fold_recipe(run)
