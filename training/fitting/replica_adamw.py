from training.fitting.layerwise_adamw import LayerwiseAdamW


class ReplicaAdamW(LayerwiseAdamW):
    """`LayerwiseAdamW` within a replica, given gradients that are summed over all replicas already.

    Each replica then changes its own copies of all variables, and all come to the same. Keras would sum gradients only
    after it has accumulated them, in a branch in which replicas cannot wait for each other; and what it had accumulated
    would be another in each replica.
    """

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            self.update_step(gradient, variable, learning_rate)

    def _backend_increment_gradient_accumulators(self, grads, acc_grads):
        for gradient, accumulated in zip(grads, acc_grads, strict=True):
            self.assign_add(accumulated, gradient)
