"""The interface of an opened audio file, whatever decodes it."""

from typing import Protocol

import numpy as np


class CannotBeDecoded(Exception):
    """A file is not what a reader decodes. The text says why, worded to follow the file's name."""


class Reader(Protocol):
    """A file that is read from front to back.

    Attributes:
        samplerate: Sampling rate in Hz.
        channels: Number of channels.
        format: Name of the container (`WAV`).
        subtype: Name of the coding (`PCM_16`).
        frames: Number of samples of each channel, or None where only reading tells.
        is_cut_off: Whether the file ends before its own header or structure says. For some formats this is known only
            when the last frame has been read.
    """

    samplerate: int
    channels: int
    format: str
    subtype: str

    @property
    def frames(self) -> int | None:
        """See above."""

    @property
    def is_cut_off(self) -> bool:
        """See above."""

    def seek(self, frame: int) -> object:
        """Go on at a frame; called at most once, before anything is read."""

    def read_frames(self, frames: int) -> np.ndarray:
        """Read the next frames: float32 [frames, channels], fewer at the end.

        Raises:
            CannotBeDecoded: If the rest is not decodable.
        """

    def close(self) -> object:
        """Close the file; a second call does nothing."""
