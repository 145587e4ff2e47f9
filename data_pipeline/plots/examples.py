"""One clip of each emotion as waveform and log-mel spectrogram."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.pages.figures import WIDE, Size, colour, colour_bar, new_panels, shortened, styled
from data_pipeline.plots.clip_table import ClipTable
from data_pipeline.plots.signals import draw_spectrogram, draw_waveform, loudest, peak, spectrogram_of, time_span

LONGEST = 10.0
"""Maximum number of seconds of a clip that are drawn."""


def choose_examples(table: ClipTable, seed: int) -> dict[str, int]:
    """A clip for each emotion, as comparable as the dataset allows.

    They are of one speaker and one sentence where there is such a speaker and sentence: of those who acted the most
    emotions, one is drawn, and of the sentences that this speaker said in the most emotions, one. What this speaker
    lacks is taken from the others.

    Args:
        table: At least one clip.
        seed: Decides what is drawn.

    Returns:
        By emotion, in the order of `EMOTIONS`, a row of the table.
    """
    draw = np.random.default_rng(seed).permutation(len(table))
    of_speaker = _most_emotions(table.speaker_ids, table.emotion, draw)
    spoken = of_speaker & (table.sentence != "")
    of_sentence = spoken & _most_emotions(table.sentence, table.emotion, draw, spoken) if spoken.any() else of_speaker
    best_last = np.lexsort((-draw, of_sentence, of_speaker))
    return {emotion: int(best_last[table.emotion[best_last] == emotion][-1]) for emotion in table.emotions}


def _most_emotions(
    keys: np.ndarray, emotions: np.ndarray, draw: np.ndarray, among: np.ndarray | None = None
) -> np.ndarray:
    """Which rows have the key that goes with the most emotions; the draw decides between equals. Bool [rows]."""
    rows = np.arange(len(keys)) if among is None else np.flatnonzero(among)
    found, group = np.unique(keys[rows], return_inverse=True)
    pairs = np.unique(np.stack([group, np.unique(emotions[rows], return_inverse=True)[1]]), axis=1)
    variety = np.bincount(pairs[0], minlength=len(found))
    drawn = rows[np.lexsort((draw[rows], -variety[group]))[0]]
    return keys == keys[drawn]


@styled
def examples(
    table: ClipTable,
    rows: Sequence[int],
    waveforms: Sequence[np.ndarray],
    settings: LogMelSettings,
    *,
    size: Size,
) -> Figure:
    """Waveform and spectrogram of each clip; all share the time axis and the colours, each waveform has its own height.

    Args:
        table: The table that describes the clips.
        rows: Numbers of the clips' rows in the table.
        waveforms: float32 [samples] at 16 kHz, full scale ±1, one for each row.
        settings: Settings of the spectrograms.
        size: The room that there is.
    """
    whole = [len(waveform) / SAMPLE_RATE for waveform in waveforms]
    shown = [waveform[: round(LONGEST * SAMPLE_RATE)] for waveform in waveforms]
    spectrograms = [spectrogram_of(waveform, settings) for waveform in shown]
    highest = loudest(*spectrograms)
    beside = size is WIDE
    figure, panels = new_panels([1.7] * len(rows), 2, size, sharex=True)
    pairs = zip(panels[::2], panels[1::2], strict=True)
    for (left, right), row, waveform, spectrogram, seconds in zip(pairs, rows, shown, spectrograms, whole, strict=True):
        emotion = str(table.emotion[row])
        draw_waveform(left, waveform, colour(emotion), 1.05 * peak(waveform))
        left.set_title(emotion)
        left.grid(axis="x")
        left.set_axisbelow(True)
        part = f"the first {LONGEST:g} of {seconds:.1f} s" if seconds > LONGEST else f"{seconds:.2f} s"
        name = f"{shortened(str(table.corpus[row]), 12)}/{shortened(str(table.name[row]), 26 if beside else 24)}"
        level = f"peak {20 * math.log10(peak(waveform)):.0f} dBFS".replace("-", "−")
        between = "\n" if len(name) > 18 and not beside else ", "
        right.set_title(f"{name}{between}{part}, {level}", fontsize=size.small, fontweight="normal")
        image = draw_spectrogram(right, spectrogram, settings, highest)
    panels[0].set_xlim(0, time_span(*shown))
    for axes in panels[-2 if beside else -1 :]:
        axes.set_xlabel("seconds")
    colour_bar(figure, image, panels[1::2] if beside else panels, "mel magnitude, dB", size, aspect=12 * len(rows))
    return figure
