"""A waveform, and a log-mel spectrogram in decibels over seconds and Hertz, drawn on axes."""

import math

import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.log_mel import LogMelSettings, log_mel
from data_pipeline.pages.figures import INK, LEVELS

_COLUMNS = 600
"""Maximum number of points over time; more than a figure has pixels cannot be seen."""

_FREQUENCIES = (500, 1_000, 2_000, 4_000, 7_000)
"""Marks on the frequency axis, in Hz."""


def draw_waveform(axes: Axes, waveform: np.ndarray, colour: str, limit: float) -> None:
    """A waveform as the band between its lowest and highest samples.

    Args:
        axes: The axes to draw on.
        waveform: float32 [samples] at 16 kHz, at least one sample.
        colour: Colour of the band.
        limit: Amplitude at the upper edge of the axes, above 0.
    """
    starts = np.unique(np.linspace(0, len(waveform), _COLUMNS, endpoint=False).astype(int))
    lowest, highest = np.minimum.reduceat(waveform, starts), np.maximum.reduceat(waveform, starts)
    axes.fill_between(starts / SAMPLE_RATE, lowest, highest, facecolor=colour, edgecolor=INK, linewidth=0.35)
    axes.set_ylim(-limit, limit)
    axes.set_ylabel("amplitude")


def draw_spectrogram(axes: Axes, spectrogram: np.ndarray, settings: LogMelSettings, highest: float) -> AxesImage:
    """A log-mel spectrogram; its image, for a colour bar in decibels.

    Args:
        axes: The axes to draw on.
        spectrogram: float32 [frames, bands], as `data_pipeline.audio.log_mel` gives it.
        settings: Settings of the spectrogram.
        highest: Decibels at the upper end of the colours; the lower end is digital silence.
    """
    # Bands are spaced evenly in mel between the edges, each reaching over both its neighbours' centres.
    low, high = mel(settings.low), mel(settings.high)
    step = (high - low) / (settings.num_bands + 1)
    first = (settings.window - settings.hop) / 2 / settings.sample_rate
    last = first + len(spectrogram) * settings.hop / settings.sample_rate
    image = axes.imshow(
        decibels(spectrogram).T,
        cmap=LEVELS,
        vmin=decibels(settings.floor),
        vmax=highest,
        origin="lower",
        aspect="auto",
        # A page scales it: as it is, it is the smallest.
        interpolation="none",
        extent=(first, last, low + step / 2, high - step / 2),
    )
    shown = [frequency for frequency in _FREQUENCIES if settings.low < frequency < settings.high]
    axes.set_yticks([mel(frequency) for frequency in shown], [f"{frequency:,}" for frequency in shown])
    axes.set_ylabel("Hz, mel scale")
    return image


def peak(waveform: np.ndarray) -> float:
    """The largest sample, whatever its sign; at least one step of 16-bit PCM."""
    return max(float(np.abs(waveform).max()), 1 / 32_768)


def time_span(*waveforms: np.ndarray) -> float:
    """Seconds that a time axis must reach to for all of these waveforms; enough for one frame at least."""
    return max(max(map(len, waveforms)) / SAMPLE_RATE, 0.025)


def spectrogram_of(waveform: np.ndarray, settings: LogMelSettings) -> np.ndarray:
    """`data_pipeline.audio.log_mel.log_mel` of float32 [samples], as float32 [frames, bands]."""
    return log_mel(tf.constant(waveform, tf.float32), settings).numpy()


def decibels(log_mel_values):
    """Mel magnitudes in dB from their natural logarithms; any shape. 0 dB is a magnitude of 1."""
    return log_mel_values * (20 / math.log(10))


def loudest(*spectrograms: np.ndarray) -> float:
    """The upper end of the colours that spectrograms are to share, in dB; at least 20 dB above digital silence."""
    floor = min(float(decibels(spectrogram).min()) for spectrogram in spectrograms)
    return max(*(float(decibels(spectrogram).max()) for spectrogram in spectrograms), floor + 20)


def mel(hertz: float) -> float:
    """The HTK mel scale, which the spectrogram's bands lie on (Young et al., The HTK Book, section 5.4)."""
    return 2_595 * math.log10(1 + hertz / 700)
