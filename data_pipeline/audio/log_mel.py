"""The log-mel spectrogram: one definition, shared by the training pipeline and the exported graph.

It is the spectrogram that YAMNet was trained on (AudioSet; `yamnet/features.py` and `params.py` in tensorflow/models):
the magnitude of a periodic-Hann STFT without centring, a 64-band HTK mel matrix, and the logarithm of that plus 0.001.
"""

import functools

import numpy as np
import tensorflow as tf

from data_pipeline.audio.log_mel_settings import LogMelSettings

__all__ = ["LogMelSettings", "log_mel", "mel_matrix", "num_frames"]


def num_frames(num_samples, settings: LogMelSettings):
    """Number of whole frames of a waveform; a waveform shorter than a window has one.

    Args:
        num_samples: int or integer tensor of any shape; number of samples at `settings.sample_rate`.
        settings: Settings of the spectrogram.

    Returns:
        The same type and shape as `num_samples`.
    """
    if isinstance(num_samples, (int, np.integer)):
        return 1 + max(0, int(num_samples) - settings.window) // settings.hop
    return 1 + tf.maximum(num_samples - settings.window, 0) // settings.hop


def log_mel(waveform: tf.Tensor, settings: LogMelSettings) -> tf.Tensor:
    """Log-mel spectrogram of each waveform.

    Frame i covers the samples from `i * hop` to `i * hop + window`, so the first `num_frames(n)` frames depend on the
    first n samples only. Later frames depend on the padding; the models mask them.

    Args:
        waveform: float32 [..., samples], full scale ±1. Fewer samples than a window are padded with zeros.
        settings: Settings of the spectrogram.

    Returns:
        float32 [..., frames, bands].
    """
    shortage = tf.maximum(settings.window - tf.shape(waveform)[-1], 0)
    no_padding = tf.zeros([tf.rank(waveform) - 1, 2], tf.int32)
    waveform = tf.pad(waveform, tf.concat([no_padding, [[0, shortage]]], axis=0))
    spectrum = tf.signal.stft(waveform, settings.window, settings.hop, settings.fft_length)
    # `tf.abs` of complex numbers guards against overflow, which samples within ±1 never cause, and takes as long as the
    # transform.
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
