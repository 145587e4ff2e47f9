"""Several classifiers in one network, whose probabilities are pooled; `training.ensemble.pool` fits the weights."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from training.layers.opinion_pool import LEAST
from training.temperature import SMALLEST


@keras.saving.register_keras_serializable("ser")
class Ensemble(keras.Model):
    """A weighted geometric mean of what classifiers answer.

    Args:
        members: The classifiers, each from what its front end gives to probabilities of the same classes.
        front_ends: For each member, which of the front ends it hears through; see `front_end.SeveralFrontEnds`.
        temperatures: By which each member's logits are divided first.
        exponents: Of the members; see `Pool.weights`.
        biases: Of the classes; see `Pool.biases`.
        **kwargs: Of `keras.Model`.
    """

    def __init__(
        self,
        members: Sequence[keras.Model],
        front_ends: Sequence[int],
        temperatures: Sequence[float],
        exponents: Sequence[float],
        biases: Sequence[float],
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.members = list(members)
        self.front_ends = tuple(front_ends)
        self.temperatures = tuple(temperatures)
        self.exponents = tuple(exponents)
        self.biases = tuple(biases)
        # The members have all their weights, and there are no others.
        self.built = True

    def build(self, input_shape=None):
        """There are no weights but the members'."""

    def call(self, inputs, training=False):
        """Classify.

        Args:
            inputs: By the number of each front end, as text, what it gives.
            training: Whether members behave as in training. A Python bool.

        Returns:
            Probabilities, float32 [batch, classes].
        """
        return self.pooled(
            [
                member(inputs[str(front_end)], training=training)
                for member, front_end in zip(self.members, self.front_ends, strict=True)
            ]
        )

    def pooled(self, answers: Sequence[Any]):
        """Pool the answers of the members.

        Args:
            answers: The probabilities of each member, [batch, classes].

        Returns:
            Probabilities, float32 [batch, classes].
        """
        scores = ops.convert_to_tensor(self.biases, "float32")
        for answer, temperature, exponent in zip(answers, self.temperatures, self.exponents, strict=True):
            logits = ops.log(ops.maximum(ops.cast(answer, "float32"), SMALLEST)) / temperature
            scores = scores + exponent * ops.maximum(ops.log_softmax(logits), math.log(LEAST))
        return ops.softmax(scores)

    def with_members(self, members: Sequence[keras.Model]) -> "Ensemble":
        """The same pool of other members, such as those that are served.

        Args:
            members: As many, in the same order.
        """
        return Ensemble(members, self.front_ends, self.temperatures, self.exponents, self.biases, name=self.name)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make the same network with fresh weights."""
        return {
            "members": [keras.saving.serialize_keras_object(member) for member in self.members],
            "front_ends": self.front_ends,
            "temperatures": self.temperatures,
            "exponents": self.exponents,
            "biases": self.biases,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "Ensemble":
        """The network that `get_config` described, with fresh weights."""
        members = [keras.saving.deserialize_keras_object(member, custom_objects) for member in config["members"]]
        return cls(**{**config, "members": members})
