"""How features are scaled, bounded and, for what measures distances, rotated to fewer dimensions."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

BOUND = 5.0
"""Standard scores are clipped here, so that one absurd value does not decide a clip."""

COMPONENTS = 600
"""Principal components at most: with 400, an RBF SVM on 4,294 functionals was 0.2 points less accurate than with 1,000,
at a third of the time."""


@dataclass(frozen=True, slots=True)
class Projection:
    """Fitted once per fitting set, and shared by all classifiers that need it.

    Attributes:
        mean: float32 [features].
        scale: float32 [features], standard deviations, 1 where a feature is constant.
        centre: float32 [features], the mean of the clipped scores.
        components: float32 [components, features].
    """

    mean: np.ndarray
    scale: np.ndarray
    centre: np.ndarray
    components: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, seed: int) -> "Projection":
        """Fit to float [clips, features]."""
        from sklearn.decomposition import PCA

        mean, scale = values.mean(0, dtype=np.float64), values.std(0, dtype=np.float64)
        scale = np.where(scale > 1e-12, scale, 1.0)
        scores = _scores(values, mean, scale)
        count = min(COMPONENTS, *scores.shape)
        solver = "randomized" if count < min(scores.shape) // 2 else "full"
        pca = PCA(count, svd_solver=solver, iterated_power=2, random_state=seed).fit(scores)
        arrays = (mean, scale, pca.mean_, pca.components_)
        return cls(*(array.astype(np.float32) for array in arrays))

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Project float [clips, features] to float32 [clips, components]."""
        return (_scores(values, self.mean, self.scale) - self.centre) @ self.components.T

    def save(self, path: Path) -> None:
        """Write an `.npz` file."""
        np.savez(path, **asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Projection":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(**{name: file[name] for name in file.files})


def _scores(values: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.clip((values - mean) / scale, -BOUND, BOUND).astype(np.float32)
