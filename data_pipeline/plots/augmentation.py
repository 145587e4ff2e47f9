"""A clip before and after each of the changes that training makes."""

import numpy as np
from matplotlib.figure import Figure

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.pages.style import MUTED, new_figure, shortened, styled
from data_pipeline.plots.signals import draw_spectrogram, draw_waveform, loudest, peak, spectrogram_of, time_span


@styled
def waveform_change(title: str, before: np.ndarray, after: np.ndarray, fill: str, settings: LogMelSettings) -> Figure:
    """Waveforms above spectrograms, the original on the left and the changed clip on the right, on shared scales.

    Args:
        title: Name of the change.
        before: float32 [samples] at 16 kHz, full scale ±1.
        after: Of the same kind; its length may differ.
        fill: Colour of the changed waveform.
        settings: Of the spectrograms.
    """
    spectrograms = [spectrogram_of(waveform, settings) for waveform in (before, after)]
    limit = 1.05 * max(peak(before), peak(after))
    figure = new_figure(3.6)
    above, below = figure.subplots(2, 2, sharex=True, height_ratios=[1, 1.6])
    for axes, waveform, shade in zip(above, (before, after), (MUTED, fill), strict=True):
        draw_waveform(axes, waveform, shade, limit)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
    above[0].set_title("Original")
    above[1].set_title(shortened(title))
    above[1].set_ylabel("")
    above[0].set_xlim(0, time_span(before, after))
    _draw_pair(figure, below, spectrograms, settings)
    return figure


@styled
def spectrogram_change(title: str, before: np.ndarray, after: np.ndarray, settings: LogMelSettings) -> Figure:
    """Two spectrograms on one scale, the original on the left.

    Args:
        title: Name of the change.
        before: float32 [frames, bands].
        after: Of the same kind; its number of frames may differ.
        settings: Of the spectrograms.
    """
    figure = new_figure(2.5)
    pair = figure.subplots(1, 2, sharex=True)
    pair[0].set_title("Original")
    pair[1].set_title(shortened(title))
    _draw_pair(figure, pair, [before, after], settings)
    ends = [image.get_extent() for axes in pair for image in axes.images]
    pair[0].set_xlim(min(end[0] for end in ends), max(end[1] for end in ends))
    return figure


def _draw_pair(figure: Figure, pair: np.ndarray, spectrograms: list[np.ndarray], settings: LogMelSettings) -> None:
    highest = loudest(*spectrograms)
    images = []
    for axes, spectrogram in zip(pair, spectrograms, strict=True):
        # An image sets the limits of the axes that it is drawn on, and with them those of the shared ones.
        limits = axes.get_xlim()
        images.append(draw_spectrogram(axes, spectrogram, settings, highest))
        axes.set_xlim(limits)
        axes.set_xlabel("seconds")
    pair[1].set_ylabel("")
    figure.colorbar(images[0], ax=list(pair), label="mel magnitude, dB", pad=0.01)
