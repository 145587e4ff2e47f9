import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("skops")
pytest.importorskip("xgboost")

from benchmarks.baseline.classifiers import SEQUENCE_RECIPES, VECTOR_RECIPES, FitOptions, probabilities
from benchmarks.baseline.projection import Projection
from benchmarks.baseline.saved_baseline import Fitted, SavedBaseline
from benchmarks.baseline.xgboost_classifier import XGBoost, check_device
from data_pipeline.errors import UserError

OPTIONS = FitOptions(seed=0, device="cpu", brief=True)

LABELS = ("anger", "disgust", "fear", "happiness")


def vectors(clips: int = 120, features: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Clusters of the classes 0, 2 and 3, each far out on an axis of its own."""
    random = np.random.default_rng(0)
    truth = np.array([0, 2, 3])[np.arange(clips) % 3]
    return (random.normal(size=(clips, features)) + 6 * np.eye(features)[truth]).astype(np.float32), truth


def sequences(clips: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Frames whose mean depends on the class, of clips of many lengths."""
    random = np.random.default_rng(0)
    truth = np.array([0, 2, 3])[np.arange(clips) % 3]
    rows = np.empty(clips, object)
    rows[:] = [random.normal(2 * label, 1, (20 + 3 * row, 5)).astype(np.float32) for row, label in enumerate(truth)]
    return rows, truth


@pytest.mark.parametrize("name", VECTOR_RECIPES)
def test_clusters_are_learned_and_unknown_classes_have_no_probability(name):
    recipe = VECTOR_RECIPES[name]
    values, truth = vectors()

    found = probabilities(recipe.make(recipe.settings[-1], OPTIONS).fit(values, truth), values, 4)

    assert (found.argmax(1) == truth).mean() > 0.9
    assert np.allclose(found.sum(1), 1, atol=1e-5)
    assert not found[:, 1].any()


@pytest.mark.parametrize("name", VECTOR_RECIPES)
def test_a_saved_classifier_predicts_the_same(name, tmp_path):
    recipe = VECTOR_RECIPES[name]
    values, truth = vectors()
    projection = Projection.fit(values, 0)
    seen = projection.apply(values) if recipe.projected else values
    model = recipe.make(recipe.settings[0], OPTIONS).fit(seen, truth)
    fitted = Fitted(name, "study", recipe.projected, recipe.settings[0], model, 1.0)
    saved = SavedBaseline(LABELS, {name: fitted}, {"study": projection}, ("a/1",), "print")

    saved.save(tmp_path / "saved")

    loaded = SavedBaseline.load(tmp_path / "saved")
    assert loaded.labels == LABELS
    for asked in (name, "ensemble"):
        expected = saved.probabilities(asked, {"study": values})
        assert np.allclose(loaded.probabilities(asked, {"study": values}), expected, atol=1e-6)
    assert not [path for path in (tmp_path / "saved").rglob("*") if path.suffix in (".pkl", ".joblib")]


def test_the_network_learns_and_predicts_the_same_when_saved(tmp_path):
    values, truth = sequences()
    model = SEQUENCE_RECIPES["network"].make(20, OPTIONS).fit(values, truth)
    saved = SavedBaseline(
        LABELS, {"network": Fitted("network", "sequence", False, 20, model, 1.0)}, {}, ("a/1",), "print"
    )

    saved.save(tmp_path / "saved")

    found = saved.probabilities("network", {"sequence": values})
    loaded = SavedBaseline.load(tmp_path / "saved").probabilities("network", {"sequence": values})
    assert (found.argmax(1) == truth).mean() > 0.8
    assert np.allclose(found, loaded, atol=1e-6)


def test_the_network_predicts_a_clip_beside_longer_ones_as_alone():
    values, truth = sequences()
    model = SEQUENCE_RECIPES["network"].make(2, OPTIONS).fit(values, truth)

    together = model.predict_proba(values)
    alone = np.concatenate([model.predict_proba(values[row : row + 1]) for row in (0, 30)])

    assert np.allclose(together[[0, 30]], alone, atol=1e-5)


def test_an_existing_folder_is_not_overwritten(tmp_path):
    with pytest.raises(UserError, match="is there already"):
        SavedBaseline(LABELS, {}, {}, (), "print").save(tmp_path)


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no saved baseline"):
        SavedBaseline.load(tmp_path)


def test_many_features_are_divided_among_boosters():
    values, truth = vectors(clips=60, features=1_200)
    model = XGBoost(3, 0).fit(values, truth)

    assert len(model.boosters) == 2
    assert sorted(np.concatenate(model.parts)) == list(range(1_200))
    assert model.importance().shape == (1_200,)
    assert model.importance().sum() > 0


def test_the_informative_feature_has_the_importance():
    random = np.random.default_rng(0)
    values = random.normal(size=(200, 6)).astype(np.float32)
    truth = (values[:, 4] > 0).astype(int)

    assert XGBoost(10, 0).fit(values, truth).importance().argmax() == 4


@pytest.mark.parametrize("device", ["gpu", "cuda"])
def test_an_unavailable_device_is_refused(device):
    if device == "cuda":
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            pytest.skip("there is a GPU")
    with pytest.raises(UserError, match=f"--device {device}"):
        check_device(device)
