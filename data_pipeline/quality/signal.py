"""Measurements that change when microphones, lines and rooms change, to compare recordings of two times."""

from dataclasses import dataclass

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE, UnusableAudio
from data_pipeline.quality.measure import FLOOR, active_level
from data_pipeline.quality.recording import Recording
from data_pipeline.quality.unusable import unusable_reason

_FRAME = SAMPLE_RATE // 50
"""Number of samples of a frame: 20 ms, over which power is averaged."""

_QUIETEST = 10
"""Percentile of the power of the frames that is the noise floor: even a short clip has as many pauses."""

_WINDOW = 1_024
"""Number of samples of a spectrum: 64 ms."""

_BAND = 8
"""Number of bins of 15.6 Hz that are averaged, which makes bands of 125 Hz."""

_REACH = 50.0
"""Decibels below the strongest band within which a band counts for the bandwidth. Fricatives of a studio voice count
up to 8 kHz; what resampling leaves above the band of a telephone does not."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What was measured of one recording at 16 kHz.

    Attributes:
        seconds: Duration in seconds.
        level: Active speech level in dB of full scale; see `measure.active_level`.
        noise: Level of the quietest tenth of the frames in dB of full scale.
        bandwidth: Frequency in Hz above which no band is within 50 dB of the strongest.
    """

    seconds: float
    level: float
    noise: float
    bandwidth: float

    @property
    def snr(self) -> float:
        """Signal-to-noise ratio in dB."""
        return self.level - self.noise


def signal_of(pcm: np.ndarray) -> Signal:
    """Measure a waveform.

    Args:
        pcm: int16 [samples] at 16 kHz, at least one.
    """
    waveform = pcm.astype(np.float32) / 32_768
    edges = np.arange(0, len(waveform), _FRAME)
    power = np.add.reduceat(np.square(waveform), edges) / np.diff(np.append(edges, len(waveform)))
    noise = float(np.percentile(power, _QUIETEST))
    return Signal(
        seconds=len(pcm) / SAMPLE_RATE,
        level=active_level(pcm),
        noise=max(FLOOR, 10 * float(np.log10(max(noise, 1e-12)))),
        bandwidth=bandwidth(waveform),
    )


def bandwidth(waveform: np.ndarray) -> float:
    """The frequency up to which a waveform has audible energy.

    Args:
        waveform: float [samples] at 16 kHz.

    Returns:
        Frequency in Hz, a multiple of 125, at most 8,000; 0 for digital silence.
    """
    padded = np.pad(waveform, (0, max(0, _WINDOW - len(waveform))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[:: _WINDOW // 2]
    spectrum = np.square(np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1))).mean(axis=0)
    # The bin at 8 kHz has no band of its own.
    bands = spectrum[:-1].reshape(-1, _BAND).mean(axis=1)
    audible = np.flatnonzero(bands > bands.max() * 10 ** (-_REACH / 10))
    return float((audible[-1] + 1) * _BAND * SAMPLE_RATE / _WINDOW) if audible.size else 0.0


def listen(recording: Recording) -> Signal | str:
    """Decode and measure one recording; no content makes it fail.

    Args:
        recording: The recording.

    Returns:
        The measurements, or why the recording cannot be used, worded to follow the file's name.
    """
    try:
        pcm = recording.decode()
    except UnusableAudio as error:
        return error.reason
    return unusable_reason(pcm) or signal_of(pcm)
