"""Train a compiled model on several replicas, and predict with them.

`Replicas` replaces `keras.Model.fit` and `predict`, since multi-worker `fit` fails in Keras 3 (keras #20585). A step
computes the gradient of each replica's part of the loss, sums the gradients over all replicas, and lets each replica
change its own copy of the weights by the sum. The result is that of a single replica with the whole batch, up to
rounding.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from data_pipeline.batch_part import BatchPart
from data_pipeline.errors import UserError
from training.distributed.batch_shares import SharedBatch, pad_to_longest, share_out
from training.distributed.team import Team

_SEED_DISTANCE = 1_000_003
"""Distance between the seeds of two replicas; a prime, so that seeds that a user chooses stay different, too."""


class Replicas:
    """The replicas of a model.

    Args:
        model: The model, made and compiled within the team's scope, with a `ReplicaAdamW`, which is built, and a loss
            that has one value for each row.
        team: The replicas.
        padding: The value to pad each feature with a time axis with, by name; see `front_end.padding`.

    Raises:
        UserError: If the model is to be compiled by XLA and has trainable batch norms: they wait for other replicas
            within a step, which compiled code cannot do.
    """

    def __init__(self, model: keras.Model, team: Team, padding: Mapping[str, float]) -> None:
        if model.jit_compile and team.replicas > 1 and _has_trainable_norms(model):
            raise UserError("batch norms of several replicas cannot be compiled: leave out --jit, or --strategy")
        self._model = model
        self._team = team
        self._padding = padding
        self._seed_states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
        self._shift_seeds = tf.function(
            lambda distance: team.run(partial(self._shift_seeds_of_replica, distance)),
            input_signature=[tf.TensorSpec([], tf.int64)],
            autograph=False,
        )
        self._train = tf.function(self._train_batch, autograph=False)
        self._predict = tf.function(self._predict_batch, autograph=False)
        compiled = (
            tf.function(self._gradients, autograph=False, jit_compile=True) if model.jit_compile else self._gradients
        )
        self._gradients_of_share = compiled

    @property
    def part(self) -> BatchPart:
        """The rows of each batch that this process has to produce."""
        return self._team.part

    def train_epoch(self, batches: tf.data.Dataset, clips: int, batch_size: int, on_step: Callable[[], None]) -> float:
        """Train on each batch once.

        Args:
            batches: This process's part of each batch: features, labels and, if rows count differently, weights.
            clips: Number of clips of all batches and all processes together.
            batch_size: Number of rows of a whole batch.
            on_step: Called after each batch.

        Returns:
            The mean loss of a row.
        """
        shared = share_out(batches, self._team, clips, batch_size)
        train = self._train.get_concrete_function(shared.element_spec)
        # Summed on the device: reading the loss at each step would delay the fetching of the next batch.
        loss, rows = tf.zeros([], tf.float64), 0
        with self._different_seeds():
            for batch in shared:
                loss += tf.cast(train(batch), tf.float64) * tf.cast(batch.rows, tf.float64)
                rows += int(batch.rows)
                on_step()
        return float(loss) / rows

    def predict(self, batches: tf.data.Dataset, clips: int, batch_size: int) -> np.ndarray:
        """Predict each batch, a part of it on each replica. The result is the same in every process.

        Args:
            batches: This process's part of each batch: features, and perhaps others, which are ignored.
            clips: See `train_epoch`.
            batch_size: See `train_epoch`.

        Returns:
            float32 [rows, classes].
        """
        shared = share_out(batches, self._team, clips, batch_size)
        predict = self._predict.get_concrete_function(shared.element_spec)
        # If each replica got the whole batch, its predictions come back several times.
        return np.concatenate([predict(batch).numpy()[: int(batch.rows)] for batch in shared])

    def _train_batch(self, batch: SharedBatch) -> tf.Tensor:
        return self._team.run(self._train_share, [(batch.counted, share) for share in batch.shares])

    def _train_share(self, part: tuple[tf.Tensor, tuple]) -> tf.Tensor:
        counted, (features, *labels) = part
        if self._team.workers > 1:
            features = pad_to_longest(features, self._padding)
        loss, gradients = self._gradients_of_share(counted, (features, *labels))
        trained = [
            (weight, gradient)
            for weight, gradient in zip(self._model.trainable_variables, gradients, strict=True)
            if gradient is not None
        ]
        context = tf.distribute.get_replica_context()
        loss, *summed = context.all_reduce(tf.distribute.ReduceOp.SUM, [loss, *(gradient for _, gradient in trained)])
        self._model.optimizer.apply(summed, [weight for weight, _ in trained])
        return loss

    def _gradients(self, counted: tf.Tensor, share: tuple) -> tuple[tf.Tensor, list[Any]]:
        """A replica's part of the mean loss over the whole batch, and its gradient, with the optimiser's loss scale."""
        features, labels, *weights = share
        with tf.GradientTape() as tape:
            losses = self._model.loss.call(labels, self._model(features, training=True))
            loss = tf.reduce_sum(losses * weights[0] if weights else losses) / tf.cast(counted, losses.dtype)
            scaled = self._model.optimizer.scale_loss(loss)
        return loss, tape.gradient(scaled, [weight.value for weight in self._model.trainable_variables])

    @contextmanager
    def _different_seeds(self) -> Iterator[None]:
        """Within, replicas draw different random numbers (dropout, masks); outside, all have one state to save."""
        self._shift_seeds(_SEED_DISTANCE)
        yield
        self._shift_seeds(-_SEED_DISTANCE)

    def _shift_seeds_of_replica(self, distance: tf.Tensor) -> None:
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        # A state is a seed and the number of draws so far.
        change = tf.stack([distance * tf.cast(replica, distance.dtype), tf.zeros_like(distance)])
        for state in self._seed_states:
            state.assign_add(tf.cast(change, state.dtype))

    def _predict_batch(self, batch: SharedBatch) -> tf.Tensor:
        return self._team.run(self._predict_share, list(batch.shares))

    def _predict_share(self, share: tuple) -> tf.Tensor:
        answers = self._model(share[0], training=False)
        return tf.distribute.get_replica_context().all_gather(answers, axis=0)


def _has_trainable_norms(model: keras.Model) -> bool:
    return any(
        _has_trainable_norms(layer)
        if isinstance(layer, keras.Model)
        else isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        for layer in model.layers
    )
