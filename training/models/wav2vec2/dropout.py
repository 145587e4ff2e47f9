import keras


class DrawnSeed(keras.random.SeedGenerator):
    """A seed that was drawn before: whoever asks gets the same one, so a recomputed layer drops the same units."""

    def __init__(self, drawn):
        # No state of its own, so the parent's variables are not made.
        self.drawn = drawn
        # Keras on torch looks here whether a seed was asked for at all; None would be its own random stream.
        self._initial_seed = 0

    def next(self, ordered=True):  # noqa: ARG002 - Keras passes it
        """The seed drawn before."""
        return self.drawn


def drop(inputs, rate: float, drawn):
    """Dropout with a seed that was drawn outside.

    Args:
        inputs: Any tensor.
        rate: The share of the entries that become zero; the others grow by 1 / (1 - rate).
        drawn: What `SeedGenerator.next()` gave, or None for no dropout.

    Returns:
        A tensor like `inputs`.
    """
    if drawn is None or rate == 0:
        return inputs
    return keras.random.dropout(inputs, rate, seed=DrawnSeed(drawn))
