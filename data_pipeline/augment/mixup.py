"""Clips that are blended with their neighbours (Zhang et al. 2018, mixup, arXiv:1710.09412)."""

import tensorflow as tf


def mixup(
    features: dict[str, tf.Tensor], labels: tf.Tensor, strength: float, seed: tf.Tensor
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Blend every clip of a batch with its neighbour, labels alike.

    Args:
        features: `log_mel` float32 [batch, frames, bands], padded with silence, and `num_frames` int32 [batch].
        labels: float32 [batch, classes], one-hot or soft.
        strength: Both parameters of the beta distribution.
        seed: int32 [2].

    Returns:
        Features and labels of the same shapes.
    """
    batch = tf.shape(labels)[0]
    # A beta variate is the share of one gamma variate in the sum of two.
    gammas = tf.random.stateless_gamma([2, batch], seed, strength) + 1e-8
    share = gammas[0] / (gammas[0] + gammas[1])

    def with_neighbour(values: tf.Tensor) -> tf.Tensor:
        weight = tf.reshape(share, tf.concat([[batch], tf.ones([tf.rank(values) - 1], tf.int32)], axis=0))
        return blend(values, tf.roll(values, 1, axis=0), weight)

    frames = features["num_frames"]
    longer = tf.maximum(frames, tf.roll(frames, 1, axis=0))
    return {"log_mel": with_neighbour(features["log_mel"]), "num_frames": longer}, with_neighbour(labels)


def blend(one: tf.Tensor, other: tf.Tensor, share: float | tf.Tensor) -> tf.Tensor:
    """A share of one tensor and the rest of another, all of shapes that fit."""
    return share * one + (1 - share) * other
