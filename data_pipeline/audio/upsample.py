"""From 8 kHz to 16 kHz inside the graph, with the filter of `half_band`."""

import tensorflow as tf

from data_pipeline.audio.half_band import BLOCK, TAPS, block_kernel


def narrow_to_16_khz(waveform: tf.Tensor) -> tf.Tensor:
    """Convert 8 kHz to 16 kHz as `decode` does, and round to the 16 bits of records.

    Rounding is part of the rule: its noise is all that there is above 4 kHz, where a log-mel spectrogram would
    otherwise tell a file that was decoded from the same call in the graph.

    Args:
        waveform: float32 [batch, samples] at 8 kHz, zero after the end of each row.

    Returns:
        float32 [batch, 2 * samples] at 16 kHz; see `upsample_by_two`.
    """
    return tf.clip_by_value(tf.round(upsample_by_two(waveform) * 32_768.0), -32_768.0, 32_767.0) / 32_768.0


def upsample_by_two(waveform: tf.Tensor) -> tf.Tensor:
    """Double the sampling rate. Before and after a waveform there is silence.

    Args:
        waveform: float32 [batch, samples] at 8 kHz, zero after the end of each row.

    Returns:
        float32 [batch, 2 * samples] at 16 kHz. After twice the length of a row the filter rings out.
    """
    batch, samples = tf.unstack(tf.shape(waveform))
    blocks = -(-samples // BLOCK)
    kernel = block_kernel()
    padding = [TAPS // 2 - 1, (blocks + len(kernel) - 1) * BLOCK - (TAPS // 2 - 1) - samples]
    rows = tf.reshape(tf.pad(waveform, [[0, 0], padding]), [batch, blocks + len(kernel) - 1, BLOCK])
    odd = tf.reshape(tf.nn.conv1d(rows, kernel, stride=1, padding="VALID"), [batch, blocks * BLOCK])
    return tf.reshape(tf.stack([waveform, odd[:, :samples]], axis=2), [batch, 2 * samples])
