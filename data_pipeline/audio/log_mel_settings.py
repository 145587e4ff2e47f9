"""What defines a log-mel spectrogram. This module imports no TensorFlow, so that commands start quickly."""

import math
from dataclasses import dataclass
from typing import Annotated

from data_pipeline.settings import Field, Flag, Settings

_FILE_ONLY = Flag(None)
"""Pretrained weights decide the spectrogram, so that it has no flags."""


@dataclass(frozen=True, slots=True)
class LogMelSettings(Settings):
    """What defines a log-mel spectrogram. Each setting is described in its field.

    Raises:
        UserError: If a value is out of its range.
    """

    sample_rate: Annotated[int, Field(ge=1, description="Sampling rate of the waveform in Hz."), _FILE_ONLY] = 16_000
    num_bands: Annotated[int, Field(ge=1, description="Number of mel bands."), _FILE_ONLY] = 64
    window: Annotated[
        int, Field(ge=1, description="Length of the analysis window in samples; 400 are 25 ms."), _FILE_ONLY
    ] = 400
    hop: Annotated[
        int, Field(ge=1, description="Number of samples from one frame to the next; 160 are 10 ms."), _FILE_ONLY
    ] = 160
    fft_length: Annotated[
        int,
        Field(ge=1, description="Number of points of the Fourier transform; the window is zero-padded to it."),
        _FILE_ONLY,
    ] = 512
    low: Annotated[float, Field(ge=0, description="Lower edge of the lowest band in Hz."), _FILE_ONLY] = 125.0
    high: Annotated[float, Field(gt=0, description="Upper edge of the highest band in Hz."), _FILE_ONLY] = 7_500.0
    offset: Annotated[
        float,
        Field(gt=0, description="Number added to the magnitudes before the logarithm, so that silence has a value."),
        _FILE_ONLY,
    ] = 0.001

    @property
    def floor(self) -> float:
        """The value of every band in digital silence: the logarithm of the offset."""
        return math.log(self.offset)
