"""Random changes to training clips, each a pure function of a seed.

Every function takes a stateless seed (int32 [2]), so that a parallel, a repeated or a resumed run sees the same data.
"""

from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """How strongly training clips are changed; zeros switch a change off.

    Attributes:
        shift: Seconds by which a crop may start before or after the clip's start.
        gain: Decibels by which a clip may be louder or softer.
        bands: Widest frequency mask of SpecAugment, in mel bands.
        band_masks: Frequency masks per clip.
        frames: Longest time mask of SpecAugment, in frames.
        frame_masks: Time masks per clip.
        mixup: Both parameters of the beta distribution that mixup draws its share from.
    """

    shift: float = 0.3
    gain: float = 6.0
    bands: int = 10
    band_masks: int = 2
    frames: int = 30
    frame_masks: int = 2
    mixup: float = 0.2


def random_crop(waveform: tf.Tensor, length: int, shift: int, seed: tf.Tensor) -> tf.Tensor:
    """At most `length` samples from a random start: up to `shift` before the clip, or after its last whole crop.

    A crop that starts before the clip has silence in front.

    Args:
        waveform: float32 [samples].
        length: Samples of the crop at most.
        shift: Samples.
        seed: int32 [2].

    Returns:
        float32 [up to length], never empty.
    """
    samples = tf.size(waveform)
    latest = tf.minimum(tf.maximum(samples - length, 0) + tf.minimum(shift, samples // 4), samples - 1)
    start = tf.random.stateless_uniform([], seed, -shift, latest + 1, tf.int32)
    silence = tf.zeros([tf.maximum(-start, 0)], waveform.dtype)
    return tf.concat([silence, waveform[tf.maximum(start, 0) :]], axis=0)[:length]


def random_gain(waveform: tf.Tensor, decibels: float, seed: tf.Tensor) -> tf.Tensor:
    """Louder or softer by a gain drawn evenly from ± `decibels`; any shape."""
    gain = tf.random.stateless_uniform([], seed, -decibels, decibels)
    return waveform * tf.pow(10.0, gain / 20.0)


def mask_spectrogram(log_mel: tf.Tensor, settings: AugmentSettings, seed: tf.Tensor) -> tf.Tensor:
    """SpecAugment's frequency and time masks (Park et al. 2019, arXiv:1904.08779, section 2), filled with the mean.

    Args:
        log_mel: float32 [frames, bands].
        settings: How many masks, how wide.
        seed: int32 [2].

    Returns:
        float32 [frames, bands].
    """
    keep_bands = ~_masks(tf.shape(log_mel)[1], settings.bands, settings.band_masks, tf.random.fold_in(seed, 0))
    keep_frames = ~_masks(tf.shape(log_mel)[0], settings.frames, settings.frame_masks, tf.random.fold_in(seed, 1))
    return tf.where(keep_frames[:, None] & keep_bands[None, :], log_mel, tf.reduce_mean(log_mel))


def _masks(size: tf.Tensor, widest: int, count: int, seed: tf.Tensor) -> tf.Tensor:
    """Bool [size], true under any of `count` masks of random place and width."""
    width_seed, start_seed = tf.unstack(tf.random.split(seed, 2))
    widths = tf.random.stateless_uniform([count], width_seed, 0, tf.minimum(widest, size) + 1, tf.int32)
    share = tf.random.stateless_uniform([count], start_seed)
    starts = tf.cast(share * tf.cast(size - widths + 1, tf.float32), tf.int32)
    position = tf.range(size)[:, None]
    return tf.reduce_any((position >= starts) & (position < starts + widths), axis=1)


def mixup(
    features: dict[str, tf.Tensor], labels: tf.Tensor, strength: float, seed: tf.Tensor
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Blend every clip of a batch with its neighbour, labels alike (Zhang et al. 2018, arXiv:1710.09412).

    Args:
        features: `log_mel` float32 [batch, frames, bands], padded with silence, and `num_frames` int32 [batch].
        labels: float32 [batch, classes].
        strength: Both parameters of the beta distribution.
        seed: int32 [2].

    Returns:
        Features and labels of the same shapes.
    """
    batch = tf.shape(labels)[0]
    # A beta variate is the share of one gamma variate in the sum of two.
    gammas = tf.random.stateless_gamma([2, batch], seed, strength) + 1e-8
    share = gammas[0] / (gammas[0] + gammas[1])

    def blend(values: tf.Tensor) -> tf.Tensor:
        weight = tf.reshape(share, tf.concat([[batch], tf.ones([tf.rank(values) - 1], tf.int32)], axis=0))
        return weight * values + (1 - weight) * tf.roll(values, 1, axis=0)

    frames = features["num_frames"]
    longer = tf.maximum(frames, tf.roll(frames, 1, axis=0))
    return {"log_mel": blend(features["log_mel"]), "num_frames": longer}, blend(labels)
