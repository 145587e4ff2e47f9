from collections.abc import Mapping

import tensorflow as tf


def as_long_as_all(features: Mapping[str, tf.Tensor], padding: Mapping[str, float]) -> dict[str, tf.Tensor]:
    """Pad a replica's clips to the longest of all replicas, as they would be in one batch.

    Padding never changes an answer, but batch norms take their statistics from whole windows, silent ones among them.

    Args:
        features: Of one replica, by name.
        padding: For those that have a time axis, which is the second, what fills it up.

    Returns:
        The features; those with a time axis equally long in all replicas.
    """
    context = tf.distribute.get_replica_context()

    def longer(values: tf.Tensor, fill: float) -> tf.Tensor:
        # As a float, since not every device gathers integers.
        own = tf.shape(values)[1]
        longest = tf.cast(tf.reduce_max(context.all_gather(tf.cast([own], "float32"), axis=0)), "int32")
        behind = [[0, 0], [0, longest - own], *([[0, 0]] * (values.shape.rank - 2))]
        return tf.pad(values, behind, constant_values=fill)

    return {name: longer(values, padding[name]) if name in padding else values for name, values in features.items()}
