"""Replicas of a model that are trained together, on the devices of one machine or of several.

Every process of a training runs the same program and must call the methods of its `Team` in the same order as all other
processes, since they wait for each other.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from data_pipeline.batch_part import BatchPart


@dataclass(frozen=True, slots=True)
class Team:
    """The replicas of a training.

    Attributes:
        strategy: TensorFlow's strategy, which knows the devices.
        workers: Number of processes, each with equally many replicas.
        worker: Number of this process, from 0, which is the chief.
    """

    strategy: tf.distribute.Strategy
    workers: int = 1
    worker: int = 0

    @property
    def replicas(self) -> int:
        """Number of replicas in all processes."""
        return self.strategy.num_replicas_in_sync

    @property
    def local_replicas(self) -> range:
        """The numbers of this process's replicas among all replicas."""
        each = self.replicas // self.workers
        return range(self.worker * each, (self.worker + 1) * each)

    @property
    def part(self) -> BatchPart:
        """The rows of each batch that this process's replicas get."""
        local = self.local_replicas
        return BatchPart(self.replicas, local.start, local.stop)

    @property
    def chief(self) -> bool:
        """Whether this process writes the run folder."""
        return self.worker == 0

    def scope(self) -> AbstractContextManager:
        """Within, variables are created once for each replica."""
        return self.strategy.scope()

    def run(self, function: Callable[..., Any], own: Sequence[Any] = ()) -> Any:
        """Call a function in each replica of this process; all other processes must call it at the same time.

        Args:
            function: The function, which returns the same in all replicas. Called in a `tf.function`.
            own: The argument of each replica of this process; by default the function has no arguments.

        Returns:
            The value that the function returned.
        """
        first = self.local_replicas.start

        def of_replica(context: tf.distribute.experimental.ValueContext) -> Any:
            return own[context.replica_id_in_sync_group - first]

        arguments = (self.strategy.experimental_distribute_values_from_function(of_replica),) if own else ()
        answers = self.strategy.run(tf.autograph.experimental.do_not_convert(function), args=arguments)
        return tf.nest.map_structure(lambda answer: self.strategy.experimental_local_results(answer)[0], answers)

    def broadcast(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Give every process the chief's arrays.

        Args:
            arrays: Arrays of numbers, of the same shapes and types in all processes. Only the chief's values count.

        Returns:
            The chief's arrays.
        """
        if self.workers == 1:
            return list(arrays)

        def from_chief(array: tf.Tensor) -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            mine = tf.where(tf.equal(context.replica_id_in_sync_group, 0), array, tf.zeros_like(array))
            return context.all_reduce(tf.distribute.ReduceOp.SUM, mine)

        # One function for all arrays of a type, of any length.
        summed = {
            kind: tf.function(
                lambda array: self.run(partial(from_chief, array)),
                input_signature=[tf.TensorSpec([None], kind)],
                autograph=False,
            )
            for kind in {array.dtype for array in arrays}
        }
        # One by one, so that there is a second copy of one array only.
        return [summed[array.dtype](np.ravel(array)).numpy().reshape(array.shape) for array in arrays]

    def broadcast_text(self, text: str) -> str:
        """Give every process the chief's text.

        Args:
            text: Any text. Only the chief's counts.
        """
        content = np.frombuffer(text.encode(), np.uint8).astype(np.int32)
        [length] = self.broadcast([np.array(len(content), np.int32)])
        [content] = self.broadcast([np.resize(content, int(length))])
        return content.astype(np.uint8).tobytes().decode()


def scope(team: Team | None) -> AbstractContextManager:
    """Within, variables are created once for each replica of a team; without a team, once."""
    return team.scope() if team else nullcontext()


def keeps_folder(team: Team | None) -> bool:
    """Whether this process writes the run folder: alone, or as the chief of a team."""
    return team is None or team.chief
