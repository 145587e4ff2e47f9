"""One track from the channels of a recording: parties of a call are never averaged without a word."""

import numpy as np

from data_pipeline.audio.limits import SILENCE
from data_pipeline.audio.track import Track

_ALIKE = 1e-3
"""Largest energy of the difference between two channels that are taken as the same, as a share of their energy: -30 dB,
for coding that treats channels differently. The two legs of a call differ by 0 dB (no correlation)."""

_SILENT = SILENCE / 32_768
"""Least magnitude in a channel with sound."""


class DifferentChannels(Exception):
    """The channels differ and none was chosen. The text says how, worded to follow the file's name."""


class TrackChooser:
    """Makes one track of the channels of a recording, block by block.

    Args:
        track: The channel that was chosen, or None to take channels that are the same.
    """

    def __init__(self, track: Track | None) -> None:
        self._track = track
        self._channels = 1
        self._energy: np.ndarray = np.zeros(1)
        self._difference: np.ndarray = np.zeros(1)
        self._sum: np.ndarray = np.zeros(1)
        self._peak: np.ndarray = np.zeros(1)

    def mono(self, block: np.ndarray) -> np.ndarray:
        """The track of the next block.

        Args:
            block: float32 [frames, channels], at least one channel; the same number in every block.

        Returns:
            float32 [frames]. A file with one channel has one track, whichever was chosen.
        """
        self._channels = block.shape[1]
        if self._channels == 1 or self._track == "left":
            return block[:, 0]
        if self._track == "right":
            return block[:, 1]
        if self._track is None and len(block):
            self._compare(block)
        return block.mean(axis=1)

    def check(self) -> None:
        """Judge all blocks so far; after the last block, the whole recording.

        Raises:
            DifferentChannels: If its channels differ and none was chosen.
        """
        if self._track is not None or self._channels == 1:
            return
        if (self._difference <= _ALIKE * (self._energy[0] + self._energy)).all():
            return
        count = self._channels
        silent = self._peak < _SILENT
        if silent.any():
            how = f"has sound on only {count - silent.sum()} of its {count} channels"
        elif count == 2 and self._sum[1] <= _ALIKE * self._energy.sum():
            how = "has two channels that cancel each other (one is the other upside down)"
        else:
            how = f"has {'two' if count == 2 else count} channels that differ, such as the two parties of a call"
        raise DifferentChannels(f"{how}: choose one with --track left or --track right, or both with --track mix")

    def _compare(self, block: np.ndarray) -> None:
        first = block[:, :1]
        # In float64: over minutes, float32 would lose the small difference.
        self._energy = self._energy + np.square(block, dtype=np.float64).sum(axis=0)
        self._difference = self._difference + np.square(block - first, dtype=np.float64).sum(axis=0)
        self._sum = self._sum + np.square(block + first, dtype=np.float64).sum(axis=0)
        self._peak = np.maximum(self._peak, np.abs(block).max(axis=0))
