"""AdamW with a learning rate for each weight, on one device or on replicas, and the average of the weights."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
from keras import ops


class LayerwiseAdamW(keras.optimizers.AdamW):
    """AdamW with a learning rate for each weight, and weights that start to learn later than others.

    Weight decay uses the common learning rate from the first step, since decoupled decay acts on each weight alike. A
    moving average of the weights (`use_ema`) is kept separately and never replaces them by itself.

    Args:
        learning_rate: A number or a schedule.
        scales: The factor of the learning rate of each trainable weight, in their order.
        starts: The number of updates before each weight starts to learn. Defaults to 0 for all.
        **kwargs: Arguments of `keras.optimizers.AdamW`.
    """

    def __init__(self, learning_rate, scales: Sequence[float], starts: Sequence[int] | None = None, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.scales = tuple(scales)
        self.starts = tuple(starts) if starts is not None else (0,) * len(self.scales)

    def update_step(self, gradient, variable, learning_rate):
        """Update one weight."""
        index = self._get_variable_index(variable)
        rate = learning_rate * self.scales[index]
        if self.starts[index]:
            rate = ops.where(self.iterations >= self.starts[index], rate, 0.0)
        if keras.backend.backend() == "tensorflow" and not self.amsgrad:
            self._step_at_once(gradient, variable, self._momentums[index], self._velocities[index], rate)
        else:
            super().update_step(gradient, variable, rate)

    def _step_at_once(self, gradient, variable, momentum, velocity, rate):
        """The step as one operation. Keras makes a dozen, each of which reads and writes the whole weight."""
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
        # In one pass over the weight. Keras makes three: it multiplies by the decay, then by the rate, and subtracts.
        kept = 1 - self.weight_decay * ops.cast(self.learning_rate, "float32")
        for variable in variables:
            if self._use_weight_decay(variable):
                self.assign(variable, variable * ops.cast(kept, variable.dtype))

    def finalize_variable_values(self, var_list):
        """Keep the weights. Keras would replace them by their average whenever `fit` returns."""

    @property
    def averages(self) -> list[keras.Variable]:
        """The moving average of each weight, in their order; empty without `use_ema`."""
        return list(self._model_variables_moving_average) if self.use_ema else []


def _handle(variable):
    # Keras passes the weight as a TensorFlow variable, and keeps the moments as Keras variables.
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


class ReplicaAdamW(LayerwiseAdamW):
    """`LayerwiseAdamW` within a replica, for gradients that are already summed over all replicas.

    Each replica updates its own copies of all variables, and all get the same values. Keras would sum gradients only
    after it has accumulated them, in a branch in which replicas cannot wait for each other, and the accumulated
    gradients would differ between replicas.
    """

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            self.update_step(gradient, variable, learning_rate)

    def _backend_increment_gradient_accumulators(self, grads, acc_grads):
        for gradient, accumulated in zip(grads, acc_grads, strict=True):
            self.assign_add(accumulated, gradient)


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """A context in which the model has the moving average of its weights; without an average it keeps its own.

    The average smooths the noise of the last steps (Polyak and Juditsky 1992, SIAM Journal on Control and Optimization
    30). Batch norms keep moving statistics anyway.

    Args:
        model: Compiled with a `LayerwiseAdamW`. For float16, Keras has wrapped it in an optimiser that scales the loss.
    """
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    averages = (model.optimizer.inner_optimizer if scaled else model.optimizer).averages
    weights = model.trainable_variables if averages else []
    own = [ops.convert_to_numpy(weight) for weight in weights]
    for weight, average in zip(weights, averages, strict=True):
        weight.assign(average)
    try:
        yield
    finally:
        for weight, value in zip(weights, own, strict=True):
            weight.assign(value)
