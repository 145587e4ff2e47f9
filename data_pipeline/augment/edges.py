"""Where a clip begins and ends: silence is trimmed off, a part is cut out, cuts are faded.

Trimming and fading are done by tensorflow-io; they are pure TensorFlow and draw nothing. The native library of
tensorflow-io loads only with other versions of TensorFlow, and its import warns of that; nothing here needs it.
"""

import functools
import warnings
from types import ModuleType

import tensorflow as tf

from data_pipeline.errors import UserError


def random_crop(waveform: tf.Tensor, length: int | tf.Tensor, shift: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Cut at most `length` samples from a random start.

    The crop starts up to `shift` samples before the clip, in which case it begins with silence, or up to `shift`
    samples after the last start of a whole crop.

    Args:
        waveform: float32 [samples].
        length: Largest number of samples of the crop.
        shift: Number of samples by which the crop may leave the clip.
        seed: int32 [2].

    Returns:
        float32 [up to length], never empty.
    """
    samples = tf.size(waveform)
    latest = tf.minimum(tf.maximum(samples - length, 0) + tf.minimum(shift, samples // 4), samples - 1)
    start = tf.random.stateless_uniform([], seed, -shift, latest + 1, tf.int32)
    silence = tf.zeros([tf.maximum(-start, 0)], waveform.dtype)
    return tf.concat([silence, waveform[tf.maximum(start, 0) :]], axis=0)[:length]


def trim_silence(waveform: tf.Tensor, decibels: float) -> tf.Tensor:
    """Cut off the soft samples at either end.

    Args:
        waveform: float32 [samples].
        decibels: Level below the peak; samples at the start and at the end that are softer are cut off.

    Returns:
        float32 [up to samples], from the first to the last loud sample; digital silence is left unchanged.
    """
    loudness = tf.abs(waveform)
    peak = tf.reduce_max(loudness)
    start, stop = tf.unstack(_tfio_audio().trim(loudness, axis=0, epsilon=peak * 10.0 ** (-decibels / 20)))
    return tf.cond(peak > 0, lambda: waveform[start:stop], lambda: waveform)


def fade(waveform: tf.Tensor, length: int) -> tf.Tensor:
    """Fade a waveform in and out linearly.

    Args:
        waveform: float32 [samples].
        length: Number of samples of either slope; at most half of the waveform is used for each.

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
    """The module `tfio.audio`; imported only where it is used, since that takes seconds."""
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
