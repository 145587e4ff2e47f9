"""What defines a log-mel spectrogram. This module imports no TensorFlow, so that commands start quickly."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogMelSettings:
    """What defines a log-mel spectrogram.

    Attributes:
        sample_rate: Sampling rate of the waveform in Hz.
        num_bands: Number of mel bands.
        window: Length of the analysis window in samples (25 ms).
        hop: Number of samples from one frame to the next (10 ms).
        fft_length: Number of points of the discrete Fourier transform; the window is zero-padded to it.
        low: Lower edge of the lowest band in Hz.
        high: Upper edge of the highest band in Hz.
        offset: Number added to the mel magnitudes before the logarithm, so that silence has a value.
    """

    sample_rate: int = 16_000
    num_bands: int = 64
    window: int = 400
    hop: int = 160
    fft_length: int = 512
    low: float = 125.0
    high: float = 7_500.0
    offset: float = 0.001

    @property
    def floor(self) -> float:
        """The value of every band in digital silence: the logarithm of the offset."""
        return math.log(self.offset)
