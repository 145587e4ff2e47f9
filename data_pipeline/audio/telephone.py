"""A telephone channel, and its output at the sampling rate of the models.

The same function is used in training and in evaluation: the telephone band, 8 kHz, 16-bit samples, G.711, lost packets,
and `data_pipeline.audio.upsample`, with which the server converts calls to 16 kHz.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.fft_length import fft_length
from data_pipeline.audio.g711 import LAWS, Law, round_trip_table
from data_pipeline.audio.upsample import narrow_to_16_khz
from data_pipeline.errors import UserError

_EDGES = (100.0, 300.0, 3_400.0, 3_800.0)
"""Edges of the band filter in Hz. It passes nothing below the first and above the last, everything from the second to
the third (the telephone band, ITU-T G.712), and has half cosines between. The last edge lies where the interpolation
filter is still flat, so that no image is left."""

_RING = 1_024
"""Samples of silence after a clip, in which the band filter rings out before the ends meet: 64 ms at 16 kHz."""

_PACKET = 160
"""Number of samples of a packet at 8 kHz: 20 ms, the default of G.711 over RTP (RFC 3551, section 4.5.14)."""

_REPEATED = 3
"""Number of lost packets in a row that are filled from the last packet received: 60 ms."""


@dataclass(frozen=True, slots=True)
class TelephoneSettings:
    """What defines a telephone channel.

    Attributes:
        law: Companding law of G.711: `mulaw` (North America, Japan) or `alaw` (elsewhere).
        packet_loss: Share of packets that are lost, independently of each other.

    Raises:
        UserError: If a value is out of its range.
    """

    law: Law = "mulaw"
    packet_loss: float = 0.0

    def __post_init__(self) -> None:
        if self.law not in LAWS:
            raise UserError(f"{self.law!r} is no law of G.711: choose one of {', '.join(LAWS)}")
        if not 0 <= self.packet_loss <= 1:
            raise UserError(f"packet_loss is {self.packet_loss!r}: give a share between 0 and 1")


def telephone(waveform: tf.Tensor, settings: TelephoneSettings, seed: tf.Tensor) -> tf.Tensor:
    """Send a waveform through a telephone channel.

    Samples are rounded to 16 bits and clipped once, at 8 kHz, where the codec of a gateway takes them. A lost packet is
    filled as in Appendix I of G.711 in its simplest form: the last packet received is repeated, unchanged for 10 ms and
    then softer by 20 % every 10 ms, until after 60 ms nothing is left. Receivers do the same, so calls seldom hold gaps
    of plain silence, and models are neither trained nor tested on them.

    Args:
        waveform: float32 [samples] at 16 kHz, full scale ±1.
        settings: The channel.
        seed: int32 [2]; decides only which packets are lost.

    Returns:
        float32 [samples] at 16 kHz, without delay.
    """
    samples = tf.size(waveform)
    narrow = to_telephone_band(waveform)
    pcm = tf.cast(tf.clip_by_value(tf.round(narrow * 32_768.0), -32_768.0, 32_767.0), tf.int32)
    received = tf.gather((round_trip_table(settings.law) / 32_768).astype(np.float32), pcm + 32_768)
    if settings.packet_loss:
        received = _lose_packets(received, settings.packet_loss, seed)
    return narrow_to_16_khz(received[tf.newaxis])[0, :samples]


def to_telephone_band(waveform: tf.Tensor) -> tf.Tensor:
    """Keep the telephone band of a waveform and every second sample.

    The filter multiplies the spectrum; the lower half of the product is the spectrum at half the rate. The filter has
    no phase, so it delays nothing.

    Args:
        waveform: float32 [samples] at 16 kHz.

    Returns:
        float32 [samples / 2, rounded up] at 8 kHz.
    """
    samples = tf.size(waveform)
    length = fft_length(samples + _RING)
    bins = length // 4 + 1
    hertz = tf.cast(tf.range(bins), tf.float32) * (SAMPLE_RATE / tf.cast(length, tf.float32))
    # The sum over half as many samples is half as large.
    response = tf.cast(band_response(hertz) / 2, tf.complex64)
    spectrum = tf.signal.rfft(waveform, [length])[:bins]
    return tf.signal.irfft(spectrum * response, [length // 2])[: (samples + 1) // 2]


def band_response(hertz: tf.Tensor) -> tf.Tensor:
    """Gain of the band filter, between 0 and 1, at each frequency in Hz; any shape."""
    stop_low, pass_low, pass_high, stop_high = _EDGES
    rise = tf.clip_by_value((hertz - stop_low) / (pass_low - stop_low), 0.0, 1.0)
    fall = tf.clip_by_value((stop_high - hertz) / (stop_high - pass_high), 0.0, 1.0)
    return tf.square(tf.sin(np.pi / 2 * rise) * tf.sin(np.pi / 2 * fall))


def _lose_packets(received: tf.Tensor, share: float, seed: tf.Tensor) -> tf.Tensor:
    """Replace a share of the packets of a waveform at 8 kHz by what a receiver plays instead."""
    samples = tf.size(received)
    count = -(-samples // _PACKET)
    packets = tf.reshape(tf.pad(received, [[0, count * _PACKET - samples]]), [count, _PACKET])
    arrived = tf.random.stateless_uniform([count], seed) >= share
    # Number of packets since the last one arrived, at most one more than are repeated.
    ago = tf.fill([count], _REPEATED + 1)
    for distance in range(_REPEATED, -1, -1):
        before = tf.concat([tf.zeros([tf.minimum(distance, count)], tf.bool), arrived], axis=0)[:count]
        ago = tf.where(before, distance, ago)
    source = tf.gather(packets, tf.maximum(tf.range(count) - ago, 0))
    gap = _PACKET * (ago[:, tf.newaxis] - 1) + tf.range(_PACKET)
    milliseconds = tf.cast(gap, tf.float32) / 8
    fading = tf.clip_by_value(1 - (milliseconds - 10) / 50, 0.0, 1.0)
    gain = tf.where(ago[:, tf.newaxis] == 0, 1.0, fading)
    return tf.reshape(source * gain, [-1])[:samples]
