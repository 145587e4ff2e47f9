from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from data_pipeline.errors import UserError
from training.distributed.team import Team

_OF_OTHERS = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
"""What TensorFlow raises where a process waits for another that is gone."""


@contextmanager
def gone_worker_told(team: Team | None) -> Iterator[None]:
    """Within, the loss of another worker is one sentence.

    Args:
        team: That trains; None where nobody else does.

    Raises:
        UserError: If another worker of the training cannot be reached any more.
    """
    try:
        yield
    except _OF_OTHERS as error:
        if team is None or team.workers == 1:
            raise
        raise UserError(
            "another worker of this training stopped or cannot be reached: see what it says, then give all workers "
            "the same command again, and it goes on after its last whole epoch"
        ) from error
