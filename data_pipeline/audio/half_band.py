"""The one way from 8 kHz to 16 kHz, with a half-band filter: for files, samples and streams.

Interpolation by two with a linear-phase half-band FIR filter in its polyphase form (Crochiere and Rabiner, Multirate
Digital Signal Processing, 1983, sections 3.3 and 4.3). Every second tap except the centre is zero, so the even outputs
are the input samples themselves and only the odd ones are computed. Centring the odd taps compensates the delay of the
filter: output 2n is input n.

`upsample` has the same filter as TensorFlow ops, for the telephone channel of training and for exported graphs.
"""

import functools

import numpy as np

NARROW_RATE = 8_000
"""Sampling rate in Hz that this filter doubles; every other rate is converted by soxr."""

TAPS = 128
"""Number of input samples that each odd output depends on, 8 ms to either side; 255 taps at 16 kHz."""

BLOCK = 16
"""Number of outputs that are computed together, as one row of a matrix product. A convolution that copies its inputs
once for each position moves sixteen times as much memory."""

_KAISER_BETA = 0.1102 * (100 - 8.7)
"""Beta by Kaiser's formula for 100 dB of attenuation (Kaiser 1974). With 255 taps the transition is 404 Hz wide and
centred on 4 kHz: the filter is flat up to 3.8 kHz (telephone channels end at 3.4 kHz, ITU-T G.712), and images are
100 dB down from 4.2 kHz on."""

_BEFORE = TAPS // 2 - 1
"""Number of earlier inputs that the output after an input depends on."""

_AFTER = TAPS // 2
"""Number of later inputs that it depends on."""


@functools.cache
def odd_taps() -> np.ndarray:
    """The taps between the zeros of the half-band filter, for a gain of one.

    Returns:
        float64 [128], symmetric. The output between the input samples n and n + 1 weighs sample n - 63 + k with tap k.
    """
    offset = np.arange(TAPS) - (TAPS - 1) / 2
    # A Kaiser window over all 255 taps, of which only the odd places are needed.
    window = np.i0(_KAISER_BETA * np.sqrt(1 - (offset / (TAPS / 2)) ** 2))
    taps = np.sinc(offset) * window
    return taps / taps.sum()


@functools.cache
def block_kernel() -> np.ndarray:
    """The odd taps as a convolution from blocks of inputs to blocks of outputs.

    Returns:
        float32 [blocks, inputs, outputs]: output o of a block weighs the input p places after its first with tap p - o.
    """
    blocks = -(-(TAPS + BLOCK - 1) // BLOCK)
    tap = np.arange(blocks * BLOCK)[:, np.newaxis] - np.arange(BLOCK)
    weights = np.where((tap >= 0) & (tap < TAPS), odd_taps()[np.clip(tap, 0, TAPS - 1)], 0)
    return weights.reshape(blocks, BLOCK, BLOCK).astype(np.float32)


def doubled(waveform: np.ndarray) -> np.ndarray:
    """Double the sampling rate of a waveform. Before and after it there is silence.

    Args:
        waveform: float32 [samples] at 8 kHz.

    Returns:
        float32 [2 * samples] at 16 kHz, without delay.
    """
    return _interleaved(waveform, np.pad(waveform, [_BEFORE, _AFTER]))


class Doubler:
    """The filter for a stream: whatever the sizes of its pieces, together they give what `doubled` gives.

    The output lags 64 samples (8 ms) behind the input, which the filter looks ahead; `finish` gives the rest.
    """

    def __init__(self) -> None:
        self._recent = np.zeros(_BEFORE, np.float32)

    def add(self, piece: np.ndarray) -> np.ndarray:
        """Take the next samples.

        Args:
            piece: float32 [samples] at 8 kHz, any number.

        Returns:
            float32 [2 * n] at 16 kHz, where n is the number of samples that are no longer waited for.
        """
        self._recent = np.concatenate([self._recent, piece])
        ready = len(self._recent) - _BEFORE - _AFTER
        if ready <= 0:
            return np.zeros(0, np.float32)
        result = _interleaved(self._recent[_BEFORE : _BEFORE + ready], self._recent)
        self._recent = self._recent[ready:]
        return result

    def finish(self) -> np.ndarray:
        """The outputs that were waiting for samples after the stream's end."""
        return self.add(np.zeros(_AFTER, np.float32))


def _interleaved(even: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Put the odd outputs between the even ones.

    Args:
        even: float32 [samples], the inputs that outputs follow.
        around: float32 [samples + 127], the same with 63 samples before and 64 after them.

    Returns:
        float32 [2 * samples].
    """
    kernel = block_kernel().reshape(-1, BLOCK)
    blocks = max(1, -(-len(even) // BLOCK))
    padded = np.zeros((blocks - 1) * BLOCK + len(kernel), np.float32)
    padded[: len(around)] = around[: len(padded)]
    rows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel))[::BLOCK]
    result = np.empty(2 * len(even), np.float32)
    result[::2] = even
    result[1::2] = (rows @ kernel).reshape(-1)[: len(even)]
    return result
