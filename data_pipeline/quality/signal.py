"""How a recording sounds before anybody judges it: what changes when microphones, lines and rooms do."""

from dataclasses import dataclass

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE, UnusableAudio, decode
from data_pipeline.quality.measure import FLOOR, active_level
from data_pipeline.quality.recording import Recording
from data_pipeline.quality.unusable import unusable_reason

_FRAME = SAMPLE_RATE // 50
"""Samples of 20 ms, over which power is averaged."""

_QUIETEST = 10
"""Percentile of the frames' power that is the noise floor: even in a short clip so much is pause."""

_WINDOW = 1_024
"""Samples of a spectrum; 64 ms."""

_BAND = 8
"""Bins of 15.6 Hz that are averaged, which makes bands of 125 Hz."""

_REACH = 50.0
"""dB below the strongest band at which a recording is said to end. Fricatives of a studio voice are above that up to
8 kHz; what resampling leaves above the band of a telephone is below."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What was measured of one recording at 16 kHz.

    Attributes:
        seconds: Duration.
        level: Active speech level, see `measure.active_level`, dB of full scale.
        noise: Level of its quietest tenth, dB of full scale.
        bandwidth: Hz above which nothing comes within 50 dB of its strongest band.
    """

    seconds: float
    level: float
    noise: float
    bandwidth: float

    @property
    def snr(self) -> float:
        """Signal-to-noise ratio in dB: the level above the noise."""
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
    """Up to which frequency there is anything.

    Args:
        waveform: float [samples] at 16 kHz.

    Returns:
        Hz, a multiple of 125, at most 8,000; 0 for digital silence.
    """
    padded = np.pad(waveform, (0, max(0, _WINDOW - len(waveform))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[:: _WINDOW // 2]
    spectrum = np.square(np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1))).mean(axis=0)
    # The bin at 8 kHz has no band of its own.
    bands = spectrum[:-1].reshape(-1, _BAND).mean(axis=1)
    audible = np.flatnonzero(bands > bands.max() * 10 ** (-_REACH / 10))
    return float((audible[-1] + 1) * _BAND * SAMPLE_RATE / _WINDOW) if audible.size else 0.0


def listen(recording: Recording) -> Signal | str:
    """Decode and measure one recording. It fails on no content.

    Args:
        recording: Which.

    Returns:
        What was measured, or why it cannot be used, worded to follow the file's name.
    """
    try:
        pcm = decode(recording.location, recording.start, recording.end)
    except UnusableAudio as error:
        return error.reason
    return unusable_reason(pcm) or signal_of(pcm)
