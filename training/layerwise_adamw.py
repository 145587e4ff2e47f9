from collections.abc import Sequence

import keras


class LayerwiseAdamW(keras.optimizers.AdamW):
    """AdamW whose learning rate is multiplied by a number for each weight.

    Weight decay goes by the common learning rate, since decoupled decay is a pull that each weight feels alike.

    Args:
        learning_rate: A number or a schedule.
        scales: A number for each trainable weight, in their order.
        **kwargs: Of `keras.optimizers.AdamW`.
    """

    def __init__(self, learning_rate, scales: Sequence[float], **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.scales = tuple(scales)

    def update_step(self, gradient, variable, learning_rate):
        """One weight's step."""
        super().update_step(gradient, variable, learning_rate * self.scales[self._get_variable_index(variable)])
