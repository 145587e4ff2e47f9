"""Which channel of a recording is meant, where there are several."""

from typing import Literal, get_args

Track = Literal["left", "right", "mix"]
"""The first channel, the second, or the mean of all."""

TRACKS: tuple[Track, ...] = get_args(Track)
