"""What a set of features is: names, families, and a function from a waveform to numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Features of one clip, or of each of its frames.

    Attributes:
        name: By which it is chosen.
        version: Goes up with every change of a value, so that caches of older values are left alone.
        names: Of the features, in the order of the values.
        families: What each feature is about (`mfcc`, `pitch`, `energy` …), for summing importances.
        extract: From int16 [samples] at 16 kHz to float32 [features], or, where `framewise`, to float32
            [frames, features] with at least one frame. A function of a module, since worker processes look it up by
            its name.
        framewise: Whether a clip gives a row a frame.
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
