"""Clips that are blended with their neighbours (Zhang et al. 2018, mixup, arXiv:1710.09412)."""

import tensorflow as tf

from data_pipeline.batch_part import BatchRows


def mixup(
    features: dict[str, tf.Tensor],
    labels: tf.Tensor,
    strength: float,
    seed: tf.Tensor,
    rows: BatchRows | None = None,
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Blend every clip of a batch with its neighbour, labels alike.

    Args:
        features: `log_mel` float32 [batch, frames, bands], padded with silence, and `num_frames` int32 [batch].
        labels: float32 [batch, classes], one-hot or soft.
        strength: Both parameters of the beta distribution.
        seed: int32 [2].
        rows: Which of a batch's rows the clips are, in order, with the neighbour of the first among them; the whole
            batch unless given.

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
    # The neighbour of row 0 is the last row of the batch, and stands at the end.
    led = tf.cond(
        rows.first == 0, lambda: tf.concat([values[-1:], values[: rows.after]], axis=0), lambda: tf.identity(values)
    )
    return led[1:], led[:-1]


def blend(one: tf.Tensor, other: tf.Tensor, share: float | tf.Tensor) -> tf.Tensor:
    """A share of one tensor and the rest of another, all of shapes that fit."""
    return share * one + (1 - share) * other
