"""G.711: one byte per sample of telephone speech, by the µ-law (North America, Japan) or the A-law (elsewhere).

ITU-T Recommendation G.711 (11/1988), tables 1 (A-law) and 2 (µ-law). A byte holds a sign, a segment of three bits and
a step of four within it; segments double in width, so that the error stays in proportion to the sample. The A-law codes
13 bits and the µ-law 14; here they are the upper bits of 16, as in every decoder's output, and lower bits are dropped
towards zero.
"""

import functools
from typing import Literal, get_args

import numpy as np

Law = Literal["mulaw", "alaw"]

LAWS: tuple[Law, ...] = get_args(Law)

_MULAW_BIAS = 33
"""Added to 14-bit magnitudes, so that every segment starts at a power of two (table 2, note 2)."""

_MULAW_TOP = 8_158
"""Largest 14-bit magnitude that the µ-law codes (table 2, decision value 128, less one)."""

_MULAW_INVERTED = 0xFF
"""µ-law bytes are sent with all bits inverted: zeros, which silence would give, starve the clock of a line."""

_ALAW_INVERTED = 0x55
"""A-law bytes are sent with every second bit inverted, for the same reason."""


def encode(pcm: np.ndarray, law: Law) -> np.ndarray:
    """Compress 16-bit samples.

    Args:
        pcm: int16, any shape.
        law: `mulaw` or `alaw`.

    Returns:
        uint8, of the same shape.
    """
    return encode_table(law)[pcm.astype(np.int32) + 32_768]


def decode(codes: np.ndarray, law: Law) -> np.ndarray:
    """Expand bytes to 16-bit samples.

    Args:
        codes: uint8, any shape.
        law: `mulaw` or `alaw`.

    Returns:
        int16, of the same shape.
    """
    return decode_table(law)[codes]


@functools.cache
def encode_table(law: Law) -> np.ndarray:
    """The byte of each 16-bit sample.

    Args:
        law: `mulaw` or `alaw`.

    Returns:
        uint8 [65536], from -32,768 to 32,767; read-only.
    """
    pcm = np.arange(-32_768, 32_768)
    code = _encode_mulaw(np.abs(pcm)) if law == "mulaw" else _encode_alaw(np.abs(pcm))
    # In both laws a set sign bit means a positive sample, after the inversion.
    table = np.where(pcm < 0, code & 0x7F, code | 0x80).astype(np.uint8)
    table.setflags(write=False)
    return table


@functools.cache
def decode_table(law: Law) -> np.ndarray:
    """The 16-bit sample that each byte stands for.

    Args:
        law: `mulaw` or `alaw`.

    Returns:
        int16 [256]; read-only.
    """
    code = np.arange(256) ^ (_MULAW_INVERTED if law == "mulaw" else _ALAW_INVERTED)
    segment, step = code >> 4 & 7, code & 15
    if law == "mulaw":
        magnitude = ((2 * step + _MULAW_BIAS << segment) - _MULAW_BIAS) * 4
        negative = code & 0x80 != 0
    else:
        # The two lowest segments are equally wide; above, the step's leading one is implied.
        magnitude = np.where(segment == 0, 2 * step + 1, 2 * step + 33 << np.maximum(segment - 1, 0)) * 8
        negative = code & 0x80 == 0
    table = np.where(negative, -magnitude, magnitude).astype(np.int16)
    table.setflags(write=False)
    return table


@functools.cache
def round_trip_table(law: Law) -> np.ndarray:
    """The value of each 16-bit sample after it was encoded and decoded.

    Args:
        law: `mulaw` or `alaw`.

    Returns:
        int16 [65536], from -32,768 to 32,767; read-only.
    """
    table = decode(encode_table(law), law)
    table.setflags(write=False)
    return table


def _encode_mulaw(magnitude: np.ndarray) -> np.ndarray:
    biased = np.minimum(magnitude >> 2, _MULAW_TOP) + _MULAW_BIAS
    segment = _bit_length(biased) - 6
    step = biased >> segment + 1 & 15
    return (segment << 4 | step) ^ _MULAW_INVERTED


def _encode_alaw(magnitude: np.ndarray) -> np.ndarray:
    level = np.minimum(magnitude >> 4, 2_047)
    segment = np.maximum(_bit_length(level) - 4, 0)
    step = level >> np.maximum(segment - 1, 0) & 15
    return (segment << 4 | step) ^ _ALAW_INVERTED


def _bit_length(values: np.ndarray) -> np.ndarray:
    """Number of bits of each value below 2**53; 0 for zero."""
    return np.frexp(values)[1].astype(np.int64)
