"""Arrays of audio as callers have them, to batches of waveforms as models take them."""

from collections.abc import Sequence

import numpy as np
import soxr

from data_pipeline.audio.decode import SAMPLE_RATE


def to_waveform(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mix to mono and resample.

    Args:
        samples: [samples] or [samples, channels]; floats of full scale ±1, or signed integers of their type's
            full scale.
        sample_rate: In Hz.

    Returns:
        float32 [samples] at 16 kHz.

    Raises:
        ValueError: If `samples` has another rank or dtype, or the rate is not positive.
    """
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2) or samples.dtype.kind not in "fi":
        raise ValueError(
            "samples must be floats or signed integers of shape [samples] or [samples, channels]. "
            f"Received: {samples.dtype} {samples.shape}"
        )
    if sample_rate <= 0:
        raise ValueError(f"sample_rate must be positive. Received: {sample_rate}")
    full_scale = -float(np.iinfo(samples.dtype).min) if samples.dtype.kind == "i" else 1.0
    waveform = samples.astype(np.float32) / np.float32(full_scale)
    if waveform.ndim == 2:
        waveform = waveform.mean(axis=1)
    if sample_rate != SAMPLE_RATE and waveform.size:
        waveform = soxr.resample(waveform, sample_rate, SAMPLE_RATE)
    return waveform


def padded_batch(waveforms: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Put waveforms of different lengths in one batch.

    Args:
        waveforms: Each float32 [samples]; at least one.

    Returns:
        float32 [batch, longest], the shorter ones followed by zeros, and int32 [batch] with the true lengths.
        There is always a column: TensorFlow Serving could not pad a row of nothing, and would fail its neighbours.
    """
    lengths = np.array([len(waveform) for waveform in waveforms], np.int32)
    batch = np.zeros((len(waveforms), max(1, lengths.max())), np.float32)
    for row, waveform in zip(batch, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return batch, lengths
