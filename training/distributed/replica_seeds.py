"""Random numbers that differ between replicas, where they belong to the network: dropout, masks, dropped layers."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import keras
import tensorflow as tf

from training.distributed.team import Team

_APART = 1_000_003
"""Between the seeds of two replicas; a prime, so that seeds that are given by hand stay apart, too."""


class ReplicaSeeds:
    """The states of a model's random number generators.

    Args:
        model: Made within the team's scope.
        team: Of the replicas.
    """

    def __init__(self, model: keras.Model, team: Team) -> None:
        self._states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
        self._move_all = tf.function(
            lambda apart: team.run(partial(self._move, apart)),
            input_signature=[tf.TensorSpec([], tf.int64)],
            autograph=False,
        )

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Within, each replica draws numbers of its own; outside, all hold one state, which can be written down."""
        self._move_all(_APART)
        yield
        self._move_all(-_APART)

    def _move(self, apart: tf.Tensor) -> None:
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        # A state is a seed and a count of draws.
        change = tf.stack([apart * tf.cast(replica, apart.dtype), tf.zeros_like(apart)])
        for state in self._states:
            state.assign_add(tf.cast(change, state.dtype))
