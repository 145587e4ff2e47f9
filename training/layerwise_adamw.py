from collections.abc import Sequence

import keras
from keras import ops


class LayerwiseAdamW(keras.optimizers.AdamW):
    """AdamW whose learning rate is multiplied by a number for each weight, which may begin to learn later than others.

    Weight decay goes by the common learning rate from the first step, since decoupled decay is a pull that each weight
    feels alike. A moving average of the weights (`use_ema`) is kept beside them and never takes their place by itself.

    Args:
        learning_rate: A number or a schedule.
        scales: A number for each trainable weight, in their order.
        starts: The change of the weights, from 0, with which each begins to learn; at once unless given.
        **kwargs: Of `keras.optimizers.AdamW`.
    """

    def __init__(self, learning_rate, scales: Sequence[float], starts: Sequence[int] | None = None, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.scales = tuple(scales)
        self.starts = tuple(starts) if starts is not None else (0,) * len(self.scales)

    def update_step(self, gradient, variable, learning_rate):
        """One weight's step."""
        index = self._get_variable_index(variable)
        rate = learning_rate * self.scales[index]
        if self.starts[index]:
            rate = ops.where(self.iterations >= self.starts[index], rate, 0.0)
        super().update_step(gradient, variable, rate)

    def finalize_variable_values(self, var_list):
        """Keep the weights as they are: Keras would replace them by their average whenever `fit` returns."""

    @property
    def averages(self) -> list[keras.Variable]:
        """The moving average of each weight, in their order; empty without `use_ema`."""
        return list(self._model_variables_moving_average) if self.use_ema else []
