"""What classifiers see of the clips: raw features, or features projected by what a fitting set says of them."""

import time
from functools import cached_property

import numpy as np

from benchmarks.baseline.projection import Projection


class View:
    """Features of all clips as seen from one fitting set; the projection is computed when it is first asked for.

    Args:
        values: float [clips, features], or object [clips] of matrices, which cannot be projected.
        fitted: int [rows], the fitting set.
        seed: Of the projection.
    """

    def __init__(self, values: np.ndarray, fitted: np.ndarray, seed: int) -> None:
        self._values = values
        self._fitted = fitted
        self._seed = seed
        self._projected: np.ndarray | None = None
        self.projection_seconds = 0.0
        """CPU time that the projection took."""

    @cached_property
    def projection(self) -> Projection:
        """Fitted to the fitting set."""
        started = time.process_time()
        projection = Projection.fit(self._values[self._fitted], self._seed)
        self.projection_seconds = time.process_time() - started
        return projection

    def values(self, projected: bool) -> np.ndarray:
        """The features of all clips, float [clips, features or components], or object [clips]."""
        if not projected:
            return self._values
        if self._projected is None:
            self._projected = self.projection.apply(self._values)
        return self._projected
