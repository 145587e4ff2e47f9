"""From any sampling rate to 16 kHz: one rule for files, samples and streams.

8 kHz are doubled by `half_band`, the filter of training's telephone channel and of exported graphs. Other rates are
converted by soxr at its HQ setting (20 bits).
"""

import numpy as np
import soxr

from data_pipeline.audio.half_band import NARROW_RATE, Doubler, doubled

SAMPLE_RATE = 16_000
"""Sampling rate of every waveform in this project, in Hz."""


def resampled(waveform: np.ndarray, rate: int) -> np.ndarray:
    """Convert a whole waveform.

    Args:
        waveform: float32 [samples].
        rate: Its sampling rate in Hz.

    Returns:
        float32 [samples] at 16 kHz.
    """
    if rate == SAMPLE_RATE or not waveform.size:
        return waveform
    return doubled(waveform) if rate == NARROW_RATE else soxr.resample(waveform, rate, SAMPLE_RATE, quality="HQ")


class Resampler:
    """Converts a waveform piece by piece; together the results are those of `resampled`.

    Args:
        rate: Sampling rate of the pieces in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._doubler = Doubler() if rate == NARROW_RATE else None
        self._soxr = (
            soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
            if rate not in (NARROW_RATE, SAMPLE_RATE)
            else None
        )

    def add(self, piece: np.ndarray) -> np.ndarray:
        """Convert the next piece; filters look ahead, so that results lag a few milliseconds behind.

        Args:
            piece: float32 [samples].

        Returns:
            float32 [samples] at 16 kHz.
        """
        if self._doubler:
            return self._doubler.add(piece)
        return self._soxr.resample_chunk(piece) if self._soxr else piece

    def finish(self) -> np.ndarray:
        """The samples that waited for a next piece: float32 [samples] at 16 kHz."""
        nothing = np.zeros(0, np.float32)
        if self._doubler:
            return self._doubler.finish()
        return self._soxr.resample_chunk(nothing, last=True) if self._soxr else nothing
