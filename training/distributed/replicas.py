"""A compiled model whose replicas learn and answer together.

In the place of `keras.Model.fit` and `predict`: multi-worker `fit` fails in Keras 3 (keras #20585). A step takes the
gradient of each replica's part of the loss, sums gradients over all replicas, and lets each replica change its own copy
of the weights by the sum. What comes of it is what a single replica would make of the whole batch, up to rounding.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from data_pipeline.batch_part import BatchPart
from data_pipeline.errors import UserError
from training.distributed.longest_clip import as_long_as_all
from training.distributed.replica_seeds import ReplicaSeeds
from training.distributed.shares import SharedBatch, share_out
from training.distributed.team import Team


class Replicas:
    """The replicas of a model.

    Args:
        model: Made and compiled within the team's scope, with a `ReplicaAdamW`, which is built, and a loss that has
            one value for each row.
        team: Where they are.
        padding: What fills up the features that have a time axis, by name; see `front_end.padding`.

    Raises:
        UserError: If it is to be compiled and has batch norms that learn: those wait for other replicas within a step,
            which compiled code cannot.
    """

    def __init__(self, model: keras.Model, team: Team, padding: Mapping[str, float]) -> None:
        if model.jit_compile and team.replicas > 1 and _has_learning_norms(model):
            raise UserError("batch norms of several replicas cannot be compiled: leave out --jit, or --strategy")
        self._model = model
        self._team = team
        self._padding = padding
        self._seeds = ReplicaSeeds(model, team)
        self._learn = tf.function(self._learn_batch, autograph=False)
        self._answer = tf.function(self._answer_batch, autograph=False)
        compiled = (
            tf.function(self._gradients, autograph=False, jit_compile=True) if model.jit_compile else self._gradients
        )
        self._gradients_of_share = compiled

    @property
    def part(self) -> BatchPart:
        """The rows of each batch that this process has to make."""
        return self._team.part

    def train_epoch(self, batches: tf.data.Dataset, clips: int, batch_size: int, on_step: Callable[[], None]) -> float:
        """Learn from each batch once.

        Args:
            batches: Of features, labels and, if rows count differently, weights: this process's part of each batch.
            clips: In all batches together, of all processes.
            batch_size: Of a whole batch.
            on_step: Called after each.

        Returns:
            The mean loss of a row.
        """
        shared = share_out(batches, self._team, clips, batch_size)
        learn = self._learn.get_concrete_function(shared.element_spec)
        # Summed where they are: to read a loss at each step would be to wait for it before the next batch is fetched.
        loss, rows = tf.zeros([], tf.float64), 0
        with self._seeds.apart():
            for batch in shared:
                loss += tf.cast(learn(batch), tf.float64) * tf.cast(batch.rows, tf.float64)
                rows += int(batch.rows)
                on_step()
        return float(loss) / rows

    def predict(self, batches: tf.data.Dataset, clips: int, batch_size: int) -> np.ndarray:
        """What the model answers, in every process the same, each replica asked about a part of each batch.

        Args:
            batches: Of features, and whatever else: this process's part of each batch.
            clips: See `train_epoch`.
            batch_size: See there.

        Returns:
            float32 [rows, classes].
        """
        shared = share_out(batches, self._team, clips, batch_size)
        answer = self._answer.get_concrete_function(shared.element_spec)
        # A batch that each replica was given whole comes back several times.
        return np.concatenate([answer(batch).numpy()[: int(batch.rows)] for batch in shared])

    def _learn_batch(self, batch: SharedBatch) -> tf.Tensor:
        return self._team.run(self._learn_share, [(batch.counted, share) for share in batch.shares])

    def _learn_share(self, part: tuple[tf.Tensor, tuple]) -> tf.Tensor:
        counted, (features, *labels) = part
        if self._team.workers > 1:
            features = as_long_as_all(features, self._padding)
        loss, gradients = self._gradients_of_share(counted, (features, *labels))
        learning = [
            (weight, gradient)
            for weight, gradient in zip(self._model.trainable_variables, gradients, strict=True)
            if gradient is not None
        ]
        context = tf.distribute.get_replica_context()
        loss, *summed = context.all_reduce(tf.distribute.ReduceOp.SUM, [loss, *(gradient for _, gradient in learning)])
        self._model.optimizer.apply(summed, [weight for weight, _ in learning])
        return loss

    def _gradients(self, counted: tf.Tensor, share: tuple) -> tuple[tf.Tensor, list[Any]]:
        """A replica's part of the mean loss over the whole batch, and its gradient, scaled as the optimiser wants."""
        features, labels, *weights = share
        with tf.GradientTape() as tape:
            losses = self._model.loss.call(labels, self._model(features, training=True))
            loss = tf.reduce_sum(losses * weights[0] if weights else losses) / tf.cast(counted, losses.dtype)
            scaled = self._model.optimizer.scale_loss(loss)
        return loss, tape.gradient(scaled, [weight.value for weight in self._model.trainable_variables])

    def _answer_batch(self, batch: SharedBatch) -> tf.Tensor:
        return self._team.run(self._answer_share, list(batch.shares))

    def _answer_share(self, share: tuple) -> tf.Tensor:
        answers = self._model(share[0], training=False)
        return tf.distribute.get_replica_context().all_gather(answers, axis=0)


def _has_learning_norms(model: keras.Model) -> bool:
    return any(
        _has_learning_norms(layer)
        if isinstance(layer, keras.Model)
        else isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        for layer in model.layers
    )
