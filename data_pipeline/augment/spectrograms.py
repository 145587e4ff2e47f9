"""Random changes to spectrograms.

Masks over bands and frames (Park et al. 2019, SpecAugment, arXiv:1904.08779), and blends of neighbouring clips (Zhang
et al. 2018, mixup, arXiv:1710.09412).
"""

import tensorflow as tf

from data_pipeline.augment.settings import AugmentSettings
from data_pipeline.batch_part import BatchRows


def mask_spectrogram(log_mel: tf.Tensor, settings: AugmentSettings, seed: tf.Tensor) -> tf.Tensor:
    """Mask bands and frames with the mean of the spectrogram (SpecAugment, section 2).

    Args:
        log_mel: float32 [frames, bands].
        settings: Number and width of the masks.
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
    features: dict[str, tf.Tensor],
    labels: tf.Tensor,
    strength: float,
    seed: tf.Tensor,
    rows: BatchRows | None = None,
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Blend every clip of a batch with its neighbour, and their labels.

    Args:
        features: `log_mel` float32 [batch, frames, bands], padded with silence, and `num_frames` int32 [batch].
        labels: float32 [batch, classes], one-hot or soft.
        strength: Both parameters of the beta distribution.
        seed: int32 [2].
        rows: Which rows of a batch the clips are, in order, including the neighbour of the first; None for a whole
            batch.

    Returns:
        Features and labels of the same shapes, without that neighbour.
    """
    batch = tf.shape(labels)[0] if rows is None else rows.count
    # A beta variate is the share of one gamma variate in the sum of two.
    gammas = tf.random.stateless_gamma([2, batch], seed, strength) + 1e-8
    share = gammas[0] / (gammas[0] + gammas[1])
    if rows is not None:
        share = share[rows.first : rows.after]

    def with_neighbour(values: tf.Tensor) -> tf.Tensor:
        own, neighbours = _own_and_neighbours(values, rows)
        weight = tf.reshape(share, tf.concat([[-1], tf.ones([tf.rank(values) - 1], tf.int32)], axis=0))
        return blend(own, neighbours, weight)

    longer = tf.maximum(*_own_and_neighbours(features["num_frames"], rows))
    return {"log_mel": with_neighbour(features["log_mel"]), "num_frames": longer}, with_neighbour(labels)


def _own_and_neighbours(values: tf.Tensor, rows: BatchRows | None) -> tuple[tf.Tensor, tf.Tensor]:
    if rows is None:
        return values, tf.roll(values, 1, axis=0)
    # The neighbour of row 0 is the last row of the batch, which is at the end.
    led = tf.cond(
        rows.first == 0, lambda: tf.concat([values[-1:], values[: rows.after]], axis=0), lambda: tf.identity(values)
    )
    return led[1:], led[:-1]


def blend(one: tf.Tensor, other: tf.Tensor, share: float | tf.Tensor) -> tf.Tensor:
    """A share of one tensor plus the remaining share of another; the shapes must broadcast."""
    return share * one + (1 - share) * other
