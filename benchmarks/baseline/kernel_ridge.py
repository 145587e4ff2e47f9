"""Kernel ridge regression on one-hot labels as a classifier: a least-squares SVM with an RBF kernel, in one solve."""

from pathlib import Path
from typing import Any

import numpy as np

_WIDTH = 0.5
"""Width of the kernel: its exponent is the squared distance times this, over the sum of the features' variances."""

_SHARPNESS = 6.0
"""Factor from regressed labels, which are about 0 to 1, to logits. Only the confidence depends on it, not the predicted
class; the weights of an ensemble and a temperature correct it."""


class KernelRidge:
    """Classification by regression (Suykens and Vandewalle 1999, Neural Processing Letters 9), with ridge's penalty.

    Args:
        penalty: Added to the kernel's diagonal.
    """

    def __init__(self, penalty: float) -> None:
        self._penalty = penalty
        self._ridge: Any = None
        self.classes_ = np.zeros(0, np.int64)

    def fit(self, values: np.ndarray, truth: np.ndarray) -> "KernelRidge":
        """Fit to float [clips, features] and int [clips]."""
        from sklearn import kernel_ridge

        self.classes_ = np.unique(truth)
        gamma = _WIDTH / max(float(values.var(axis=0).sum()), 1e-12)
        self._ridge = kernel_ridge.KernelRidge(alpha=self._penalty, kernel="rbf", gamma=gamma)
        self._ridge.fit(values, (truth[:, np.newaxis] == self.classes_).astype(values.dtype))
        return self

    def decision_function(self, values: np.ndarray) -> np.ndarray:
        """Logits, float [clips, classes]."""
        return _SHARPNESS * self._ridge.predict(values)

    def save(self, path: Path) -> None:
        """Write a skops file."""
        import skops.io

        skops.io.dump({"ridge": self._ridge, "classes": self.classes_}, path)

    @classmethod
    def load(cls, path: Path) -> "KernelRidge":
        """Read what `save` wrote."""
        import skops.io

        kept = skops.io.load(path)
        classifier = cls(kept["ridge"].alpha)
        classifier._ridge, classifier.classes_ = kept["ridge"], kept["classes"]
        return classifier
