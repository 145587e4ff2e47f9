"""Bands and frames of a spectrogram that are hidden (Park et al. 2019, SpecAugment, arXiv:1904.08779)."""

import tensorflow as tf

from data_pipeline.augment.settings import AugmentSettings


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
