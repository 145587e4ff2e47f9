"""Replicas of a model that learn together, on the devices of one machine or of several.

Every process of a training runs the same program and calls the methods of its `Team` in the same order as all others
do: what one of them waits for, the others have to give.
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
        strategy: TensorFlow's, which knows their devices.
        workers: Processes, each with equally many replicas.
        worker: Which of them this one is; from 0, which is the chief.
    """

    strategy: tf.distribute.Strategy
    workers: int = 1
    worker: int = 0

    @property
    def replicas(self) -> int:
        """How many there are in all processes."""
        return self.strategy.num_replicas_in_sync

    @property
    def of_this_worker(self) -> range:
        """The numbers of this process's replicas among all."""
        each = self.replicas // self.workers
        return range(self.worker * each, (self.worker + 1) * each)

    @property
    def part(self) -> BatchPart:
        """The rows of each batch that are for this process's replicas."""
        mine = self.of_this_worker
        return BatchPart(self.replicas, mine.start, mine.stop)

    @property
    def chief(self) -> bool:
        """Whether this process keeps the run folder."""
        return self.worker == 0

    def scope(self) -> AbstractContextManager:
        """Within, variables are made once for each replica."""
        return self.strategy.scope()

    def run(self, function: Callable[..., Any], own: Sequence[Any] = ()) -> Any:
        """Call a function in each replica of this process, as all others do at the same time.

        Args:
            function: Returns the same in all replicas. Called in a `tf.function`.
            own: For each replica of this process what it alone is given; nothing unless given.

        Returns:
            What it returned.
        """
        first = self.of_this_worker.start

        def of_replica(context: tf.distribute.experimental.ValueContext) -> Any:
            return own[context.replica_id_in_sync_group - first]

        arguments = (self.strategy.experimental_distribute_values_from_function(of_replica),) if own else ()
        answers = self.strategy.run(tf.autograph.experimental.do_not_convert(function), args=arguments)
        return tf.nest.map_structure(lambda answer: self.strategy.experimental_local_results(answer)[0], answers)

    def of_chief(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """What the chief has, in every process.

        Args:
            arrays: Numbers, in all processes of the same shapes and types; only the chief's values count.

        Returns:
            The chief's.
        """
        if self.workers == 1:
            return list(arrays)

        def given(array: tf.Tensor) -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            mine = tf.where(tf.equal(context.replica_id_in_sync_group, 0), array, tf.zeros_like(array))
            return context.all_reduce(tf.distribute.ReduceOp.SUM, mine)

        # One function for all of a type, of whatever length.
        summed = {
            kind: tf.function(
                lambda array: self.run(partial(given, array)),
                input_signature=[tf.TensorSpec([None], kind)],
                autograph=False,
            )
            for kind in {array.dtype for array in arrays}
        }
        # One by one: all at once would be all in memory once more.
        return [summed[array.dtype](np.ravel(array)).numpy().reshape(array.shape) for array in arrays]

    def text_of_chief(self, text: str) -> str:
        """The chief's text, in every process.

        Args:
            text: Any; only the chief's counts.
        """
        content = np.frombuffer(text.encode(), np.uint8).astype(np.int32)
        [length] = self.of_chief([np.array(len(content), np.int32)])
        [content] = self.of_chief([np.resize(content, int(length))])
        return content.astype(np.uint8).tobytes().decode()


def scope(team: Team | None) -> AbstractContextManager:
    """Within, variables are made for each replica of a team; as ever where there is none."""
    return team.scope() if team else nullcontext()


def keeps_folder(team: Team | None) -> bool:
    """Whether this process keeps the run folder: alone, or as the chief of a team."""
    return team is None or team.chief
