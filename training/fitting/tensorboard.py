"""The figures of each epoch as TensorBoard reads them.

They are written once an epoch, so that a step costs nothing more, and without the `tensorboard` package, which is only
needed to look at them: what makes a number a scalar there is the name of the plugin that shows it.
"""

from dataclasses import asdict
from pathlib import Path

import tensorflow as tf

from training.fitting.observer import Epoch, Observer

FOLDER = "tensorboard"
"""In a run folder."""

_SCALAR = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"})

_TITLES = {
    "loss": "loss/training",
    "validation_loss": "loss/validation",
    "validation_wa": "validation/WA",
    "validation_ua": "validation/UA",
    "seconds": "time/seconds",
}
"""TensorBoard draws what has the same first part in one group."""


class TensorBoardLog(Observer):
    """Writes event files into a run folder, to be watched with `tensorboard --logdir`.

    Args:
        run: The run folder; nothing is made there before the first epoch is over.
    """

    def __init__(self, run: Path) -> None:
        self._folder = run / FOLDER
        self._writer: tf.summary.SummaryWriter | None = None

    def on_epoch_end(self, row: Epoch, best: bool) -> None:  # noqa: ARG002  what is kept is in `history.csv`
        """Write the figures of an epoch, and see that they can be read at once."""
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._folder))
        figures = asdict(row)
        with self._writer.as_default(step=row.epoch):
            for name, title in _TITLES.items():
                if figures[name] is not None:
                    tf.summary.write(title, tf.constant(figures[name], tf.float32), metadata=_SCALAR)
        self._writer.flush()
