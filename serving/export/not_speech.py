"""What is surely not speech, told inside the graph: noise and tones that do not change, and keys of a telephone.

The graph has operations of stock TensorFlow only, so it cannot run the voice activity detector of
`data_pipeline.audio.speech`, which all other doors use. It rules out only what cannot be a voice; music gets an answer.
"""

import tensorflow as tf

from data_pipeline.audio.speech import spectrum
from data_pipeline.audio.speech.silero import FRAME

_ACTIVE = 1e-2
"""Energy of a frame, as a share of the strongest frame's, from which on the frame counts: 20 dB below."""

_LEAST_FRAMES = 16
"""Least number of such frames, half a second, on which a verdict may rest: a short vowel does not change, either."""

_CHANGE = 2.5
"""Decibels by which bands vary in what may be speech. Noise and tones of a telephone, at any level and with line noise,
vary by 2.3 at most; clips of CREMA-D and RAVDESS by 3.2 at least, by telephone with noise 5 dB below by 2.9."""

_KEYS = 0.3
"""Share of frames with a key's sound from which on a clip is somebody dialling: 0.35 and more with line noise; clips of
speech have 0.07 at most."""

_FLOOR = 1e-6
"""Energy added to every band before its logarithm, as a share of the strongest frame's."""

_BANDS = (FRAME // 2) // spectrum.BINS_OF_BAND

_LOWEST_BAND = 1
"""First band that counts, from 250 Hz on: rumble below varies whatever it comes from."""


def is_not_speech(waveform: tf.Tensor, num_samples: tf.Tensor) -> tf.Tensor:
    """Which rows cannot be speech.

    Args:
        waveform: float32 [batch, samples] at 16 kHz; samples after a row's `num_samples` are ignored.
        num_samples: int32 [batch], at most the number of samples.

    Returns:
        bool [batch]. A verdict depends on nothing but the samples of its row.
    """
    samples = tf.shape(waveform)[1]
    # Only whole frames count, so that the padding never does.
    frames = tf.reshape(waveform[:, : samples // FRAME * FRAME], [tf.shape(waveform)[0], samples // FRAME, FRAME])
    there = tf.sequence_mask(num_samples // FRAME, samples // FRAME)
    frames = tf.where(there[:, :, tf.newaxis], frames, 0.0)
    spectra = tf.square(tf.abs(tf.signal.rfft(frames * spectrum.WINDOW)))
    bands = tf.reduce_sum(
        tf.reshape(spectra[..., :-1], [*tf.unstack(tf.shape(spectra)[:2]), _BANDS, spectrum.BINS_OF_BAND]), axis=3
    )[:, :, _LOWEST_BAND:]
    energy = tf.reduce_sum(bands, axis=2)
    # A row shorter than a frame has none.
    strongest = tf.reduce_max(tf.pad(energy, [[0, 0], [0, 1]]), axis=1, keepdims=True)
    active = there & (energy > _ACTIVE * strongest)
    count = tf.reduce_sum(tf.cast(active, tf.float32), axis=1)
    unchanging = _change(bands, active, count, strongest) < _CHANGE
    dialling = tf.reduce_sum(tf.cast(active & _is_key(spectra), tf.float32), axis=1) > _KEYS * count
    return (count >= _LEAST_FRAMES) & (unchanging | dialling)


def _change(bands: tf.Tensor, active: tf.Tensor, count: tf.Tensor, strongest: tf.Tensor) -> tf.Tensor:
    """Standard deviation of the bands' levels over a row's active frames in dB, weighted by their energy: [batch]."""
    weight = tf.cast(active, tf.float32)[:, :, tf.newaxis]
    count = tf.maximum(count, 1.0)[:, tf.newaxis]
    floor = tf.maximum(_FLOOR * strongest, 1e-20)[:, :, tf.newaxis]
    level = (10 / tf.math.log(10.0)) * tf.math.log(bands + floor)
    mean = tf.reduce_sum(weight * level, axis=1) / count
    variance = tf.reduce_sum(weight * tf.square(level - mean[:, tf.newaxis]), axis=1) / count
    share = tf.reduce_sum(weight * bands, axis=1)
    share /= tf.maximum(tf.reduce_sum(share, axis=1, keepdims=True), 1e-20)
    return tf.reduce_sum(share * tf.sqrt(variance), axis=1)


def _is_key(spectra: tf.Tensor) -> tf.Tensor:
    """See `spectrum.is_key`: bool [batch, frames]."""
    low, high = _peak(spectra, spectrum.LOW_TONES), _peak(spectra, spectrum.HIGH_TONES)
    total = tf.reduce_sum(spectra[..., spectrum.RUMBLE :], axis=-1)
    twist = (10 / tf.math.log(10.0)) * tf.abs(tf.math.log(low + spectrum.TINY) - tf.math.log(high + spectrum.TINY))
    return (low + high > spectrum.KEY_SHARE * total) & (twist < spectrum.KEY_TWIST)


def _peak(spectra: tf.Tensor, bins: slice) -> tf.Tensor:
    place = bins.start + tf.argmax(spectra[..., bins], axis=-1, output_type=tf.int32)
    lobe = place[..., tf.newaxis] + tf.range(-spectrum.MAIN_LOBE, spectrum.MAIN_LOBE + 1)
    return tf.reduce_sum(tf.gather(spectra, lobe, batch_dims=2), axis=-1)
