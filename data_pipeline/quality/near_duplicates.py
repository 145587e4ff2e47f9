"""Pairs of recordings that are nearly identical: re-encoded, amplified, shifted, trimmed or sent through 8 kHz.

Fingerprints propose pairs, and the cross-correlation of the waveforms decides: two takes of one sentence by one speaker
have similar spectrograms but not similar waveforms.
"""

from collections.abc import Callable, Sequence

import numpy as np
import scipy.fft
import soxr

from data_pipeline.audio.decode import SAMPLE_RATE, UnusableAudio
from data_pipeline.quality.duplicates import Match
from data_pipeline.quality.fingerprint import SIZE
from data_pipeline.quality.recording import Recording

ALIKE = 0.8
"""Least cosine of two fingerprints whose recordings are compared. Measured on 60 clips of CREMA-D, EmoDB (cut or padded
to 2.00 s) and RAVDESS: 95 % of copies by MP3, Ogg, gain into clipping, 50 ms of shift and µ-law have 0.93 or more, 95 %
of copies without the last 0.2 s of speech have 0.82 or more; of the pairs of different clips, fewer than 1 in 10,000
reach it."""

SAME = 0.65
"""Least correlation of two waveforms that are one recording. It is about the square root of the share of energy that
they have in common. Measured on the same clips: copies as above have 0.73 or more, different takes 0.44 or less."""

_MOST_CANDIDATES = 8
"""Most comparisons per recording, so that the time for a corpus of one sentence said thousands of times grows with its
size only."""

_RATE = 8_000
"""Sampling rate in Hz at which waveforms are compared: a copy may have lost what is above 4 kHz."""

_EMPHASIS = 0.95
"""Coefficient of the pre-emphasis, without which hum or the fundamental of a deep voice would decide alone."""

_ROWS = 1_024
_COLUMNS = 4_096


def candidates(
    fingerprints: Sequence[bytes], on_progress: Callable[[int], object] = lambda _: None
) -> list[tuple[int, tuple[int, ...]]]:
    """Pairs of recordings that may be one.

    Fingerprints are compared block by block, so that 100,000 recordings take some 200 MB. Of the pairs of each
    recording, the `_MOST_CANDIDATES` most similar ones are kept.

    Args:
        fingerprints: Fingerprint of each recording; empty ones take no part.
        on_progress: Called now and then with the number of recordings that are done.

    Returns:
        Recordings, each with the later ones that are similar, all by their places in `fingerprints`.
    """
    places = np.array([place for place, content in enumerate(fingerprints) if content], np.int64)
    values = np.frombuffer(b"".join(fingerprints), np.int8).reshape(-1, SIZE)
    found: dict[int, tuple[int, ...]] = {}
    for start in range(0, len(values), _ROWS):
        rows, columns = _most_similar(values, start)
        for row in np.unique(rows):
            found[int(places[row])] = tuple(sorted(places[columns[rows == row]].tolist()))
        on_progress(int(places[start]))
    on_progress(len(fingerprints))
    return sorted(found.items())


def _most_similar(values: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of one block of rows with all later columns."""
    block = _unit(values[start : start + _ROWS])
    rows, columns, cosines = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    for left in range(start, len(values), _COLUMNS):
        similarity = block @ _unit(values[left : left + _COLUMNS]).T
        row, column = np.nonzero(similarity > ALIKE)
        later = left + column > start + row
        row, column = row[later], column[later]
        rows = np.concatenate([rows, start + row])
        columns = np.concatenate([columns, left + column])
        cosines = np.concatenate([cosines, similarity[row, column]])
        best = _first_of_each(rows, cosines, columns)
        rows, columns, cosines = rows[best], columns[best], cosines[best]
    return rows, columns


def _first_of_each(rows: np.ndarray, cosines: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Places of the `_MOST_CANDIDATES` most similar pairs of each row."""
    order = np.lexsort((columns, -cosines, rows))
    ordered = rows[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    return order[rank < _MOST_CANDIDATES]


def _unit(values: np.ndarray) -> np.ndarray:
    vectors = values.astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def match_candidates(task: tuple[Recording, Sequence[Recording]]) -> list[Match | None]:
    """Decide which of the proposed pairs are one recording.

    Args:
        task: A recording, and the recordings that it may be the same as.

    Returns:
        The match with each of the latter, or None if it is another recording or cannot be read any more.
    """
    recording, others = task
    try:
        waveform = recording.decode()
        return [_confirmed(waveform, other) for other in others]
    except UnusableAudio:
        return [None] * len(others)


def _confirmed(waveform: np.ndarray, other: Recording) -> Match | None:
    try:
        match = correlate(waveform, other.decode())
    except UnusableAudio:
        return None
    return match if match.correlation >= SAME else None


def correlate(first: np.ndarray, second: np.ndarray) -> Match:
    """Align two recordings where they agree best.

    Args:
        first: int16 [samples] at 16 kHz.
        second: int16 [samples] at 16 kHz, of any length; its polarity may be inverted.
    """
    left, right = _prepared(first), _prepared(second)
    energy = float(np.sqrt(np.square(left).sum(dtype=np.float64) * np.square(right).sum(dtype=np.float64)))
    if energy == 0:
        return Match(0.0, 0.0, 0.0)
    size = scipy.fft.next_fast_len(len(left) + len(right), real=True)
    products = scipy.fft.irfft(scipy.fft.rfft(left, size) * np.conj(scipy.fft.rfft(right, size)), size)
    place = int(np.abs(products).argmax())
    shift = place if place < len(left) else place - size
    length = min(len(left) - max(0, shift), len(right) - max(0, -shift))
    shared = (waveform[start : start + length] for waveform, start in ((left, max(0, shift)), (right, max(0, -shift))))
    before, after = (max(float(np.square(part).sum(dtype=np.float64)), 1e-9) for part in shared)
    gain = 10 * float(np.log10(after / before))
    return Match(min(1.0, abs(float(products[place])) / energy), shift / _RATE, gain)


def _prepared(pcm: np.ndarray) -> np.ndarray:
    """float32 at 8 kHz with pre-emphasis, without its mean."""
    waveform = soxr.resample(pcm - pcm.mean(dtype=np.float32), SAMPLE_RATE, _RATE)
    return np.append(waveform[:1], waveform[1:] - np.float32(_EMPHASIS) * waveform[:-1])
