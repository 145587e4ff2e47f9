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
        if keras.backend.backend() == "tensorflow" and not self.amsgrad:
            self._step_at_once(gradient, variable, self._momentums[index], self._velocities[index], rate)
        else:
            super().update_step(gradient, variable, rate)

    def _step_at_once(self, gradient, variable, momentum, velocity, rate):
        """The step as one operation; Keras makes a dozen, each of which reads and writes all of the weight."""
        import tensorflow as tf

        dtype = tf.as_dtype(variable.dtype)
        step = tf.cast(self.iterations + 1, dtype)
        beta_1, beta_2 = tf.constant(self.beta_1, dtype), tf.constant(self.beta_2, dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(momentum),
            v=_handle(velocity),
            beta1_power=beta_1**step,
            beta2_power=beta_2**step,
            lr=tf.cast(rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.constant(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )

    def _apply_weight_decay(self, variables):
        # In one pass over the weight, where Keras multiplies by the decay, by the rate and subtracts in turn.
        kept = 1 - self.weight_decay * ops.cast(self.learning_rate, "float32")
        for variable in variables:
            if self._use_weight_decay(variable):
                self.assign(variable, variable * ops.cast(kept, variable.dtype))

    def finalize_variable_values(self, var_list):
        """Keep the weights as they are: Keras would replace them by their average whenever `fit` returns."""

    @property
    def averages(self) -> list[keras.Variable]:
        """The moving average of each weight, in their order; empty without `use_ema`."""
        return list(self._model_variables_moving_average) if self.use_ema else []


def _handle(variable):
    # Keras gives the weight as TensorFlow has it, and keeps its moments as its own.
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
