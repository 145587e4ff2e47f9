"""Reading G.711 µ-law inside the graph: what telephony streams carry, one byte a sample at 8 kHz.

ITU-T Recommendation G.711 (11/1988), table 2: a byte holds, all bits inverted, a sign, a segment and a step
within it.
"""

import functools

import numpy as np
import tensorflow as tf


@functools.cache
def expansion_table() -> np.ndarray:
    """The sample that each µ-law byte stands for.

    Returns:
        float32 [256], full scale ±1. Times 32,768 they are the 16-bit values of G.711's 14-bit ones, times
        four.
    """
    code = ~np.arange(256, dtype=np.uint8)
    segment = (code >> 4 & 7).astype(np.int32)
    step = (code & 15).astype(np.int32)
    # Segment s begins at 132 * 2**s and has sixteen steps of 8 * 2**s; 132 is the bias of the compressor (33
    # * 4).
    magnitude = ((step << 3) + 132 << segment) - 132
    return (np.where(code & 128, -magnitude, magnitude) / 32_768).astype(np.float32)


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
