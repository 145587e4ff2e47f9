"""Reading G.711 µ-law inside the graph: what telephony streams carry, one byte a sample at 8 kHz."""

import functools

import numpy as np
import tensorflow as tf

from data_pipeline.audio.g711 import decode_table


@functools.cache
def expansion_table() -> np.ndarray:
    """The sample that each µ-law byte stands for.

    Returns:
        float32 [256], full scale ±1.
    """
    return (decode_table("mulaw") / 32_768).astype(np.float32)


def read_mulaw(audio: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Expand rows of raw µ-law bytes. Every byte is a sample, so that no content is wrong but none.

    Args:
        audio: string [batch].

    Returns:
        waveform: float32 [batch, samples] at 8 kHz, full scale ±1, zero past each row's end.
        num_samples: int32 [batch].
    """
    num_samples = tf.strings.length(audio)
    # decode_raw wants a length of one or more, of which a batch without bytes has none.
    longest = tf.reduce_max(num_samples)
    code = tf.io.decode_raw(audio, tf.uint8, fixed_length=tf.maximum(longest, 1))
    waveform = tf.gather(expansion_table(), tf.cast(code, tf.int32))
    # The zero bytes that pad a row stand for -32,124, not for silence.
    return tf.where(tf.sequence_mask(num_samples, tf.shape(waveform)[1]), waveform, 0.0), num_samples
