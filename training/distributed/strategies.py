"""TensorFlow's strategies for training on many devices, by name, and the error of a worker that is lost."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from data_pipeline.errors import UserError
from training.distributed.cluster import Cluster
from training.distributed.team import Team

STRATEGIES = ("none", "mirrored", "multiworker")

_LOST_WORKER = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
"""TensorFlow's errors in a process that waits for another one that is gone."""


def assemble(name: str, tf_config: str | None) -> Team | None:
    """Make the replicas of a strategy. `multiworker` waits for the other workers.

    Args:
        name: `none`; `mirrored`: all GPUs of this machine, or all its logical processors if it has no GPU;
            `multiworker`: those of all machines that `tf_config` names.
        tf_config: Value of the environment variable `TF_CONFIG`.

    Returns:
        The team, or None for `none`.

    Raises:
        UserError: If there is no such strategy, Keras does not compute on TensorFlow, `tf_config` is wrong, the other
            workers cannot be reached, or TensorFlow was used in this process before.
    """
    if name not in STRATEGIES:
        raise UserError(f"strategy must be one of {', '.join(STRATEGIES)}, not {name!r}")
    if name == "none":
        return None
    if keras.backend.backend() != "tensorflow":
        raise UserError(
            f"--strategy {name} is TensorFlow's, and Keras computes with {keras.backend.backend()} here: set "
            "KERAS_BACKEND=tensorflow, or leave --strategy out"
        )
    return _mirrored() if name == "mirrored" else _multiworker(Cluster.read(tf_config))


@contextmanager
def explain_lost_worker(team: Team | None) -> Iterator[None]:
    """Within, the loss of another worker is an error that tells the user what to do.

    Args:
        team: The replicas; None for a training on a single device.

    Raises:
        UserError: If another worker of the training cannot be reached any more.
    """
    try:
        yield
    except _LOST_WORKER as error:
        if team is None or team.workers == 1:
            raise
        raise UserError(
            "another worker of this training stopped or cannot be reached: see its output, then give all workers the "
            "same command again, and the training continues after its last whole epoch"
        ) from error


def _mirrored() -> Team:
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return Team(tf.distribute.MirroredStrategy([device.name for device in tf.config.list_logical_devices(kind)]))


def _multiworker(cluster: Cluster) -> Team:
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({job: list(addresses) for job, addresses in cluster.jobs.items()}),
        task_type=cluster.job,
        task_id=cluster.index,
        rpc_layer="grpc",
        num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
    )
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
    except RuntimeError as error:
        raise UserError(
            f"the workers cannot be joined ({error}): train in a process that has not used TensorFlow before"
        ) from error
    except tf.errors.OpError as error:
        raise UserError(
            f"the workers cannot be joined ({error.message}): see that each runs this command with its own TF_CONFIG, "
            "and that its address there is this machine's, with a port that is free"
        ) from error
    return Team(strategy, cluster.workers, cluster.place)
