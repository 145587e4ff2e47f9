"""Functionals as a Keras layer: statistics over time that turn a clip of any length into one vector.

Statistics of low-level contours are called functionals (openSMILE; Eyben, Wöllmer and Schuller 2010). The contours come
from a log-mel spectrogram, so that an exported graph computes them from the same spectrogram as other networks use. The
functionals of `data_pipeline.statistics`, for classical classifiers, also include pitch and voice quality.
"""

import math

import keras
import numpy as np
from keras import ops

from training.families.functionals.recipe import CEPSTRA, FRAMES_PER_SECOND

_GROUPS = 8
"""Number of groups of neighbouring bands."""

_CROSSED = 12
"""Number of cepstra whose cross-correlations are computed."""

_PERCENTILES = (0.10, 0.25, 0.50, 0.75, 0.90)

_SPEECH_RANGE = 30 / 20 * math.log(10)
"""A frame is speech if it is at most 30 dB below the clip's loudest frame; in natural logarithms of magnitudes."""

_LAGS = (3, 8, 16, 30)
"""Lags of the autocorrelation in frames: from within a syllable to the next one."""

_CROSS_LAGS = (4, 10)
"""Lags of the cross-correlation of cepstra in frames."""

_MODULATIONS = (0.4, 1.0, 2.0, 3.0, 4.5, 6.5, 9.0, 13.0, 20.0, 35.0)
"""Edges of the bands of the modulation spectrum in Hz. There are about four syllables per second."""

_RESOLUTION = 0.2
"""Distance of the frequencies of the modulation spectrum in Hz, which is the resolution of a clip of 5 s."""

_LEAST_VARIANCE = 1e-3
"""Added to variances in denominators: less than speech has in any contour, more than rounding has in silence."""

_LEAST_POWER = 1e-3
"""Added to the modulation power before the logarithm."""


@keras.saving.register_keras_serializable("ser")
class Functionals(keras.layers.Layer):
    """Statistics of level, bands, groups of bands and cepstra.

    - Of all frames: mean, deviation, skew, percentiles, slope and mean change of each of these contours; the same of
      how level, groups and cepstra change from frame to frame; these three's levels in the modulation spectrum.
    - From the first frame of speech to the last: the course of each contour (Legendre coefficients, autocorrelation),
      correlations of level and groups of bands, and of the first twelve cepstra 40 and 100 ms apart.

    Args:
        floor: float. The log-mel value of silence.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments:
        log_mel: float32 [batch, frames, bands], natural logarithms, `FRAMES_PER_SECOND`, more than `CEPSTRA` bands.
        num_frames: int [batch], number of frames of each clip, 1 or more. The other frames have no influence.

    Returns:
        float32 [batch, functionals].
    """

    def __init__(self, floor: float, **kwargs) -> None:
        super().__init__(**kwargs)
        self.floor = floor

    def call(self, log_mel, num_frames):
        """Compute the functionals of each clip."""
        bands = log_mel.shape[2]
        position = ops.arange(ops.shape(log_mel)[1], dtype="int32")
        valid = position[None, :] < ops.cast(num_frames, "int32")[:, None]
        log_mel = ops.where(valid[:, :, None], log_mel, self.floor)
        level = ops.logsumexp(log_mel, axis=2, keepdims=True)
        groups = ops.matmul(log_mel, _grouping(bands))
        cepstra = ops.matmul(log_mel, _cosines(bands))
        voice = ops.concatenate([level, groups, cepstra], axis=2)
        changes = voice[:, 1:] - voice[:, :-1]
        speech = _speech(level[:, :, 0], valid)
        contours = ops.concatenate([voice, log_mel], axis=2)
        return ops.concatenate(
            [
                _summary(contours, valid),
                # A clip of one frame has no change: it counts as one that is constant.
                _summary(ops.pad(changes, [[0, 0], [1, 0], [0, 0]]), valid),
                _modulation(voice, valid),
                _trends(contours, speech),
                _correlations(voice[:, :, : 1 + _GROUPS], speech),
                _cross_correlations(cepstra[:, :, :_CROSSED], speech),
            ],
            axis=1,
        )

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {**super().get_config(), "floor": self.floor}


def _grouping(bands: int) -> np.ndarray:
    """float32 [bands, groups], so that a product gives means of neighbouring bands."""
    matrix = np.zeros((bands, _GROUPS), np.float32)
    for group, members in enumerate(np.array_split(np.arange(bands), _GROUPS)):
        matrix[members, group] = 1 / len(members)
    return matrix


def _cosines(bands: int) -> np.ndarray:
    """float32 [bands, cepstra]: the orthonormal cosine transform without its first column, which is the mean."""
    angles = np.pi / bands * (np.arange(bands)[:, np.newaxis] + 0.5) * np.arange(1, CEPSTRA + 1)
    return (math.sqrt(2 / bands) * np.cos(angles)).astype(np.float32)


def _speech(level, valid):
    """The frames from the first to the last frame of speech; bool [batch, frames]."""
    loudest = ops.max(ops.where(valid, level, -math.inf), axis=1, keepdims=True)
    active = ops.cast(ops.logical_and(valid, level >= loudest - _SPEECH_RANGE), "int32")
    started = ops.cumsum(active, axis=1)
    return ops.logical_and(started > 0, started - active < started[:, -1:])


def _centred(contours, inside):
    """Means [batch, contours], deviations [batch, frames, contours] (0 outside), and frames inside, float [batch, 1].

    Args:
        contours: [batch, frames, contours].
        inside: bool [batch, frames], somewhere True.
    """
    weights = ops.cast(inside, "float32")
    count = ops.sum(weights, axis=1, keepdims=True)
    mean = ops.einsum("btc,bt->bc", contours, weights) / count
    return mean, (contours - mean[:, None]) * weights[:, :, None], count


def _summary(contours, valid):
    """[batch, 10 x contours]."""
    mean, deviation, count = _centred(contours, valid)
    spread = ops.sqrt(ops.sum(deviation**2, axis=1) / count + _LEAST_VARIANCE)
    skew = ops.sum(deviation**3, axis=1) / count / spread**3
    seconds = ops.cast(ops.arange(ops.shape(contours)[1]), "float32") / FRAMES_PER_SECOND
    weights = ops.cast(valid, "float32")
    centre = (count - 1) / (2 * FRAMES_PER_SECOND)
    times = (seconds - centre) * weights
    slope = ops.einsum("btc,bt->bc", deviation, times) / (ops.sum(times**2, axis=1, keepdims=True) + _LEAST_VARIANCE)
    steps = ops.abs(contours[:, 1:] - contours[:, :-1]) * weights[:, 1:, None]
    change = ops.sum(steps, axis=1) / ops.maximum(count - 1, 1)
    return ops.concatenate([mean, spread, skew, *_percentiles(contours, valid), slope, change], axis=1)


def _percentiles(contours, valid) -> list:
    """[batch, contours] for each of `_PERCENTILES`, between frames where need be."""
    ordered = ops.sort(ops.where(valid[:, :, None], contours, math.inf), axis=1)
    last = ops.sum(ops.cast(valid, "int32"), axis=1) - 1
    found = []
    for share in _PERCENTILES:
        place = share * ops.cast(last, "float32")
        below = ops.cast(ops.floor(place), "int32")
        weight = (place - ops.floor(place))[:, None]
        low, high = (
            ops.take_along_axis(ordered, index[:, None, None], axis=1)[:, 0]
            for index in (below, ops.minimum(below + 1, last))
        )
        found.append(low * (1 - weight) + high * weight)
    return found


def _trends(contours, speech):
    """Legendre coefficients and autocorrelations of each contour; [batch, (3 + lags) x contours]."""
    _, deviation, count = _centred(contours, speech)
    weights = ops.cast(speech, "float32")
    place = (2 * (ops.cumsum(weights, axis=1) - 1) / ops.maximum(count - 1, 1) - 1) * weights
    legendre = (place, (1.5 * place**2 - 0.5) * weights, 2.5 * place**3 - 1.5 * place)
    trends = [
        ops.einsum("btc,bt->bc", deviation, basis) / (ops.sum(basis**2, axis=1, keepdims=True) + _LEAST_VARIANCE)
        for basis in legendre
    ]
    energy = ops.sum(deviation**2, axis=1) + _LEAST_VARIANCE * count
    recurrences = [ops.sum(deviation[:, lag:] * deviation[:, :-lag], axis=1) / energy for lag in _LAGS]
    return ops.concatenate([*trends, *recurrences], axis=1)


def _modulation(contours, valid):
    """The modulation spectrum of each contour, as logarithms of power; [batch, contours x bands].

    The frequencies of the Fourier transform do not depend on the lengths of the clips in a batch.
    """
    _, deviation, count = _centred(contours, valid)
    frame = ops.cast(ops.arange(ops.shape(contours)[1]), "float32")
    hann = (0.5 - 0.5 * ops.cos(2 * math.pi * (frame + 1) / (count + 1))) * ops.cast(valid, "float32")
    windowed = deviation * hann[:, :, None]
    hertz, bands = _modulation_bands()
    phase = frame[:, None] * (2 * math.pi / FRAMES_PER_SECOND * hertz)
    real, imaginary = (ops.einsum("btc,tf->bcf", windowed, part(phase)) for part in (ops.cos, ops.sin))
    power = ops.matmul(real**2 + imaginary**2, bands) / ops.sum(hann**2, axis=1)[:, None, None]
    return _flat(ops.log(power + _LEAST_POWER))


def _modulation_bands() -> tuple[np.ndarray, np.ndarray]:
    """Frequencies float32 [frequencies], and float32 [frequencies, bands], so that a product gives means of bands."""
    count = round((_MODULATIONS[-1] - _MODULATIONS[0]) / _RESOLUTION)
    hertz = _MODULATIONS[0] + _RESOLUTION * np.arange(count)
    band = np.searchsorted(_MODULATIONS, hertz + _RESOLUTION / 2) - 1
    member = (band[:, np.newaxis] == np.arange(len(_MODULATIONS) - 1)).astype(np.float32)
    return hertz.astype(np.float32), member / member.sum(axis=0)


def _correlations(contours, speech):
    """[batch, pairs of contours], -1 to 1."""
    scores, count = _scores(contours, speech)
    matrix = ops.einsum("btc,btd->bcd", scores, scores) / count[:, :, None]
    one, other = np.triu_indices(contours.shape[2], 1)
    return ops.take(_flat(matrix), one * contours.shape[2] + other, axis=1)


def _cross_correlations(contours, speech):
    """Cross-correlations of the contours at each lag, -1 to 1; [batch, lags x contours x contours]."""
    scores, count = _scores(contours, speech)
    later = [ops.einsum("btc,btd->bcd", scores[:, lag:], scores[:, :-lag]) / count[:, :, None] for lag in _CROSS_LAGS]
    return ops.concatenate([_flat(matrix) for matrix in later], axis=1)


def _scores(contours, inside):
    """Standard scores [batch, frames, contours], 0 outside, and the number of frames inside, float [batch, 1]."""
    _, deviation, count = _centred(contours, inside)
    variance = ops.sum(deviation**2, axis=1) / count
    return deviation / ops.sqrt(variance + _LEAST_VARIANCE)[:, None], count


def _flat(matrices):
    """[batch, ...] as [batch, values]."""
    return ops.reshape(matrices, (-1, math.prod(matrices.shape[1:])))
