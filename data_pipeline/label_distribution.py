"""The target of a clip as a tensor: how probable a model should find each label."""

import tensorflow as tf

from data_pipeline.targets import Target


def has_label(emotion: tf.Tensor, target: Target) -> tf.Tensor:
    """Whether an acted emotion is one of the labels.

    Args:
        emotion: string scalar, the acted emotion.
        target: Labels.

    Returns:
        bool scalar.
    """
    return tf.reduce_any(tf.constant(list(target.labels)) == emotion)


def label_distribution(emotion: tf.Tensor, votes: tf.Tensor, target: Target) -> tf.Tensor:
    """What a model should answer.

    Args:
        emotion: string scalar, the acted emotion.
        votes: int64 [emotions], in the order of `EMOTIONS`.
        target: Labels, and whether acted emotions, votes, or a mixture of both are learned.

    Returns:
        float32 [labels], adding up to one.
    """
    acted = tf.cast(tf.constant(list(target.labels)) == emotion, tf.float32)
    if not target.learns_votes:
        return acted
    counts = tf.gather(votes, target.vote_columns)
    if target.kind == "voted":
        most_heard = (counts == tf.reduce_max(votes)) & (counts > 0)
        counts = tf.where(tf.reduce_any(most_heard), tf.cast(most_heard, tf.int64), counts)
    shares = tf.cast(counts, tf.float32)
    total = tf.reduce_sum(shares)
    voted = tf.where(total > 0, shares / tf.maximum(total, 1.0), acted)
    return voted if target.kind != "acted" else acted + target.votes_share * (voted - acted)
