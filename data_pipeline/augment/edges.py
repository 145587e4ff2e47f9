"""The two ends of a clip: silence that is trimmed off, cuts that are faded. By tensorflow-io.

Both functions are pure TensorFlow and draw nothing. The native library of tensorflow-io loads with other versions of
TensorFlow only, of which its import warns; nothing here needs it.
"""

import functools
import warnings
from types import ModuleType

import tensorflow as tf

from data_pipeline.errors import UserError


def trim_silence(waveform: tf.Tensor, decibels: float) -> tf.Tensor:
    """Cut off what is soft at either end.

    Args:
        waveform: float32 [samples].
        decibels: Below the peak; only what is softer from the start on, or up to the end, goes.

    Returns:
        float32 [up to samples], from the first to the last loud sample; digital silence is left as it is.
    """
    loudness = tf.abs(waveform)
    peak = tf.reduce_max(loudness)
    start, stop = tf.unstack(_tfio_audio().trim(loudness, axis=0, epsilon=peak * 10.0 ** (-decibels / 20)))
    return tf.cond(peak > 0, lambda: waveform[start:stop], lambda: waveform)


def fade(waveform: tf.Tensor, length: int) -> tf.Tensor:
    """Let the start of a waveform rise from silence and its end fall to it, in a straight line.

    Args:
        waveform: float32 [samples].
        length: Samples of either slope; at most half of those there are.

    Returns:
        float32 [samples].
    """
    slope = tf.minimum(length, tf.size(waveform) // 2)
    return tf.cond(
        slope > 0,
        lambda: _tfio_audio().fade(waveform, fade_in=slope, fade_out=slope, mode="linear"),
        lambda: waveform,
    )


@functools.cache
def _tfio_audio() -> ModuleType:
    """`tfio.audio`; imported only where it is used, since it takes seconds."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "unable to load libtensorflow_io_plugins.so")
            warnings.filterwarnings("ignore", "file system plugins are not loaded")
            import tensorflow_io as tfio
    except ImportError as error:
        raise UserError(
            f"trimming and fading need tensorflow-io ({error}): run `pip install tensorflow-io`, or leave both off"
        ) from error
    return tfio.audio
