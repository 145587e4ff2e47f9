"""Louder or softer."""

import tensorflow as tf


def random_gain(waveform: tf.Tensor, decibels: float, seed: tf.Tensor) -> tf.Tensor:
    """Louder or softer by a gain drawn evenly from ± `decibels`; any shape."""
    gain = tf.random.stateless_uniform([], seed, -decibels, decibels)
    return waveform * tf.pow(10.0, gain / 20.0)
