"""A clip before and after each of the changes that training makes."""

import textwrap

import numpy as np
from matplotlib.figure import Figure

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.pages.figures import MUTED, Size, colour_bar, new_panels, shortened, styled
from data_pipeline.plots.signals import draw_spectrogram, draw_waveform, loudest, peak, spectrogram_of, time_span


@styled
def waveform_change(
    title: str, before: np.ndarray, after: np.ndarray, fill: str, settings: LogMelSettings, *, size: Size
) -> Figure:
    """Waveform and spectrogram of the original, and below them those of the changed clip, on shared scales.

    Args:
        title: Name of the change.
        before: float32 [samples] at 16 kHz, full scale ±1.
        after: The changed clip; its length may differ.
        fill: Colour of the changed waveform.
        settings: Settings of the spectrograms.
        size: The room that there is.
    """
    spectrograms = [spectrogram_of(waveform, settings) for waveform in (before, after)]
    limit = 1.05 * max(peak(before), peak(after))
    figure, panels = new_panels([1.0, 1.5] * 2, 1, size, sharex=True)
    for axes, waveform, shade, words in zip(
        panels[::2], (before, after), (MUTED, fill), ("Original", textwrap.fill(shortened(title), 28)), strict=True
    ):
        draw_waveform(axes, waveform, shade, limit)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.set_title(words)
    panels[0].set_xlim(0, time_span(before, after))
    _draw_spectrograms(figure, panels[1::2], spectrograms, settings, size)
    return figure


@styled
def spectrogram_change(
    title: str, before: np.ndarray, after: np.ndarray, settings: LogMelSettings, *, size: Size
) -> Figure:
    """Two spectrograms on one scale, the original first.

    Args:
        title: Name of the change.
        before: float32 [frames, bands].
        after: The changed spectrogram; its number of frames may differ.
        settings: Settings of the spectrograms.
        size: The room that there is.
    """
    figure, panels = new_panels([1.7, 1.7], 1, size, sharex=True)
    for axes, words in zip(panels, ("Original", textwrap.fill(shortened(title), 28)), strict=True):
        axes.set_title(words)
    _draw_spectrograms(figure, panels, [before, after], settings, size)
    ends = [image.get_extent() for axes in panels for image in axes.images]
    panels[0].set_xlim(min(end[0] for end in ends), max(end[1] for end in ends))
    return figure


def _draw_spectrograms(
    figure: Figure, panels: np.ndarray, spectrograms: list[np.ndarray], settings: LogMelSettings, size: Size
) -> None:
    highest = loudest(*spectrograms)
    images = []
    for axes, spectrogram in zip(panels, spectrograms, strict=True):
        # An image sets the limits of the axes that it is drawn on, and with them those of the shared ones.
        limits = axes.get_xlim()
        images.append(draw_spectrogram(axes, spectrogram, settings, highest))
        axes.set_xlim(limits)
    panels[-1].set_xlabel("seconds")
    colour_bar(figure, images[0], panels, "mel magnitude, dB", size)
