"""XGBoost as a classifier, saved in XGBoost's own format."""

import json
from pathlib import Path

import numpy as np

from data_pipeline.errors import UserError

_SETTING = {
    "objective": "multi:softprob",
    "learning_rate": 0.15,
    "max_depth": 4,
    "colsample_bytree": 0.3,
    "subsample": 0.7,
    "min_child_weight": 3,
    "max_bin": 32,
    "tree_method": "hist",
}

_FEATURES_A_BOOSTER = 1_100
"""Largest number of features of a booster. The time of a round grows with the features that the booster knows, whatever
share of them a tree may use. Boosters on parts of the features cost as much as one booster on all features, and their
mean is better (random subspaces, Ho 1998, IEEE Transactions on Pattern Analysis and Machine Intelligence 20)."""


class XGBoost:
    """Boosted trees: one booster for each random part of the features; their log-probabilities are averaged.

    A part has at most 1,100 features.

    Args:
        rounds: Number of trees of each class and booster.
        seed: Seed of the parts, and of the samples of rows and columns.
        device: `cpu` or `cuda`.
    """

    def __init__(self, rounds: int, seed: int, device: str = "cpu") -> None:
        self._rounds = rounds
        self._seed = seed
        self._device = device

    def fit(self, values: np.ndarray, classes: np.ndarray) -> "XGBoost":
        """Fit to float [clips, features] and int [clips]."""
        import xgboost

        self.classes_, index = np.unique(classes, return_inverse=True)
        parameters = {**_SETTING, "num_class": len(self.classes_), "seed": self._seed, "device": self._device}
        features = values.shape[1]
        count = -(-features // _FEATURES_A_BOOSTER)
        order = np.random.default_rng(self._seed).permutation(features)
        self.parts = [np.sort(part) for part in np.array_split(order, count)]
        self.boosters = []
        for part in self.parts:
            data = xgboost.QuantileDMatrix(values[:, part], index, max_bin=_SETTING["max_bin"])
            self.boosters.append(xgboost.train(parameters, data, self._rounds))
        return self

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        """Probabilities, float [clips, classes]."""
        import xgboost

        answers = [
            booster.predict(xgboost.DMatrix(values[:, part]))
            for part, booster in zip(self.parts, self.boosters, strict=True)
        ]
        pooled = np.exp(np.mean(np.log(np.maximum(answers, 1e-9)), axis=0))
        return pooled / pooled.sum(1, keepdims=True)

    def importance(self) -> np.ndarray:
        """The total gain of each feature, float [features]."""
        gains = np.zeros(sum(map(len, self.parts)))
        for part, booster in zip(self.parts, self.boosters, strict=True):
            for name, gain in booster.get_score(importance_type="total_gain").items():
                gains[part[int(name[1:])]] = gain
        return gains

    def save(self, folder: Path) -> None:
        """Make a folder with a UBJ file for each booster."""
        folder.mkdir()
        for number, (part, booster) in enumerate(zip(self.parts, self.boosters, strict=True)):
            booster.set_attr(classes=json.dumps(self.classes_.tolist()), features=json.dumps(part.tolist()))
            booster.save_model(folder / f"{number:02d}.ubj")

    @classmethod
    def load(cls, folder: Path) -> "XGBoost":
        """Read what `save` wrote."""
        import xgboost

        model = cls(0, 0)
        model.boosters = [xgboost.Booster(model_file=path) for path in sorted(folder.glob("*.ubj"))]
        model.parts = [np.array(json.loads(booster.attr("features") or "[]")) for booster in model.boosters]
        model.classes_ = np.array(json.loads(model.boosters[0].attr("classes") or "[]"))
        return model


def check_device(device: str) -> None:
    """Check that XGBoost can use a device. Otherwise it would use the processor without saying so in its results.

    Raises:
        UserError: If it is `cuda` and there is none, or neither `cpu` nor `cuda`.
    """
    if device not in ("cpu", "cuda"):
        raise UserError(f"--device {device}: choose cpu or cuda")
    if device == "cpu":
        return
    import xgboost

    used = ""
    if xgboost.build_info().get("USE_CUDA"):
        data = xgboost.DMatrix(np.eye(4, dtype=np.float32), np.arange(4) % 2)
        try:
            booster = xgboost.train({"device": "cuda", "verbosity": 0}, data, 1)
            used = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
        except xgboost.core.XGBoostError:
            used = ""
    if not used.startswith("cuda"):
        raise UserError("--device cuda: XGBoost finds no GPU that it can use here, so choose --device cpu")
