"""A set of features: names, families, and a function from a waveform to numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Features of one clip, or of each of its frames.

    Attributes:
        name: Name by which the set is chosen.
        version: Version of the values; it is raised with every change, so that caches of older values are not used.
        names: Names of the features, in the order of the values.
        families: Family of each feature (`mfcc`, `pitch`, `energy` …), for summing importances.
        extract: Function from int16 [samples] at 16 kHz to float32 [features], or, where `framewise`, to float32
            [frames, features] with at least one frame. It is a function of a module, since worker processes look it up
            by its name.
        framewise: Whether a clip has a row per frame.
    """

    name: str
    version: int
    names: tuple[str, ...]
    families: tuple[str, ...]
    extract: Callable[[np.ndarray], np.ndarray]
    framewise: bool = False

    def __post_init__(self) -> None:
        if len(self.names) != len(self.families) or len(set(self.names)) != len(self.names):
            raise ValueError(
                "names must differ and have a family each. "
                f"Received: {len(self.names)} names ({len(set(self.names))} different), {len(self.families)} families"
            )
