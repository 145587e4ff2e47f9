"""From 8 kHz to 16 kHz inside the graph, with a half-band filter.

Interpolation by two with a linear-phase half-band FIR filter in its polyphase form (Crochiere and Rabiner, Multirate
Digital Signal Processing, 1983, sections 3.3 and 4.3). Every second tap except the centre is zero, so the even outputs
are the input samples themselves and only the odd ones are computed. Centring the odd taps compensates the delay of the
filter: output 2n is input n.
"""

import functools

import numpy as np
import tensorflow as tf

_TAPS = 128
"""Number of input samples that each odd output depends on, 8 ms to either side; 255 taps at 16 kHz."""

_KAISER_BETA = 0.1102 * (100 - 8.7)
"""Beta by Kaiser's formula for 100 dB of attenuation (Kaiser 1974). With 255 taps the transition is 404 Hz wide and
centred on 4 kHz: the filter is flat up to 3.8 kHz (telephone channels end at 3.4 kHz, ITU-T G.712), and images are
100 dB down from 4.2 kHz on."""

_BLOCK = 16
"""Number of outputs that are computed together. TensorFlow copies the inputs of a convolution once for each position;
blocks take a sixteenth of the memory traffic."""


@functools.cache
def odd_taps() -> np.ndarray:
    """The taps between the zeros of the half-band filter, for a gain of one.

    Returns:
        float64 [128], symmetric. The output between the input samples n and n + 1 weighs sample n - 63 + k with tap k.
    """
    offset = np.arange(_TAPS) - (_TAPS - 1) / 2
    # A Kaiser window over all 255 taps, of which only the odd places are needed.
    window = np.i0(_KAISER_BETA * np.sqrt(1 - (offset / (_TAPS / 2)) ** 2))
    taps = np.sinc(offset) * window
    return taps / taps.sum()


def upsample_by_two(waveform: tf.Tensor) -> tf.Tensor:
    """Double the sampling rate. Before and after a waveform there is silence.

    Args:
        waveform: float32 [batch, samples] at 8 kHz, zero after the end of each row.

    Returns:
        float32 [batch, 2 * samples] at 16 kHz. After twice the length of a row the filter rings out.
    """
    batch, samples = tf.unstack(tf.shape(waveform))
    blocks = -(-samples // _BLOCK)
    kernel = _block_kernel()
    padding = [_TAPS // 2 - 1, (blocks + len(kernel) - 1) * _BLOCK - (_TAPS // 2 - 1) - samples]
    rows = tf.reshape(tf.pad(waveform, [[0, 0], padding]), [batch, blocks + len(kernel) - 1, _BLOCK])
    odd = tf.reshape(tf.nn.conv1d(rows, kernel, stride=1, padding="VALID"), [batch, blocks * _BLOCK])
    return tf.reshape(tf.stack([waveform, odd[:, :samples]], axis=2), [batch, 2 * samples])


@functools.cache
def _block_kernel() -> np.ndarray:
    """The odd taps as a convolution from blocks of inputs to blocks of outputs.

    Returns:
        float32 [blocks, inputs, outputs]: output o of a block weighs the input p places after its first with tap p - o.
    """
    blocks = -(-(_TAPS + _BLOCK - 1) // _BLOCK)
    tap = np.arange(blocks * _BLOCK)[:, np.newaxis] - np.arange(_BLOCK)
    weights = np.where((tap >= 0) & (tap < _TAPS), odd_taps()[np.clip(tap, 0, _TAPS - 1)], 0)
    return weights.reshape(blocks, _BLOCK, _BLOCK).astype(np.float32)
