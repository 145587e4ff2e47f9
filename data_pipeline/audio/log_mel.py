"""The log-mel spectrogram: one definition, shared by the training pipeline and the exported graph.

It is the one that YAMNet was trained on (AudioSet; `yamnet/features.py` and `params.py` in tensorflow/models): the
magnitude of a periodic-Hann STFT without centring, a 64-band HTK mel matrix, and the logarithm of that plus 0.001.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf


@dataclass(frozen=True, slots=True)
class LogMelSettings:
    """What defines a log-mel spectrogram.

    Attributes:
        sample_rate: Of the waveform, in Hz.
        num_bands: Mel bands.
        window: Length of the analysis window in samples (25 ms).
        hop: Samples from one frame to the next (10 ms).
        fft_length: Points of the discrete Fourier transform; the window is zero-padded to it.
        low: Lower edge of the lowest band in Hz.
        high: Upper edge of the highest band in Hz.
        offset: Added to the mel magnitudes before the logarithm.
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


def num_frames(num_samples, settings: LogMelSettings):
    """How many whole frames a waveform has; one shorter than a window counts as one frame.

    Args:
        num_samples: int or integer tensor of any shape. Samples at `settings.sample_rate`.
        settings: The spectrogram's settings.

    Returns:
        The same type and shape as `num_samples`.
    """
    if isinstance(num_samples, (int, np.integer)):
        return 1 + max(0, int(num_samples) - settings.window) // settings.hop
    return 1 + tf.maximum(num_samples - settings.window, 0) // settings.hop


def log_mel(waveform: tf.Tensor, settings: LogMelSettings) -> tf.Tensor:
    """Log-mel spectrogram of each waveform.

    Frame i covers the samples from `i * hop` to `i * hop + window`, so that the first `num_frames(n)` frames depend
    on the first n samples only. What later frames hold is up to the padding; the models mask them.

    Args:
        waveform: float32 [..., samples], full scale ±1. Fewer samples than a window are padded with zeros.
        settings: The spectrogram's settings.

    Returns:
        float32 [..., frames, bands].
    """
    shortage = tf.maximum(settings.window - tf.shape(waveform)[-1], 0)
    no_padding = tf.zeros([tf.rank(waveform) - 1, 2], tf.int32)
    waveform = tf.pad(waveform, tf.concat([no_padding, [[0, shortage]]], axis=0))
    spectrum = tf.signal.stft(waveform, settings.window, settings.hop, settings.fft_length)
    # `tf.abs` of a complex number guards against overflow, which samples within ±1 are far from, and takes as long as
    # the transform.
    magnitude = tf.sqrt(tf.math.real(spectrum * tf.math.conj(spectrum)))
    mel = tf.tensordot(magnitude, mel_matrix(settings), 1)
    return tf.math.log(mel + settings.offset)


@functools.cache
def mel_matrix(settings: LogMelSettings) -> np.ndarray:
    """Triangular HTK mel filters.

    Returns:
        float32 [fft_length / 2 + 1, bands].
    """
    with tf.init_scope():
        return tf.signal.linear_to_mel_weight_matrix(
            settings.num_bands,
            settings.fft_length // 2 + 1,
            settings.sample_rate,
            settings.low,
            settings.high,
        ).numpy()
