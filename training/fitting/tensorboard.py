"""The figures of each epoch, for TensorBoard.

They are written once per epoch, so that steps are not slowed down. Writing does not need the `tensorboard` package: a
number is a scalar because its metadata names TensorBoard's plugin for scalars.
"""

from dataclasses import asdict
from pathlib import Path

import tensorflow as tf

from training.fitting.observer import Epoch, Observer

FOLDER = "tensorboard"
"""Name of the folder in a run folder."""

_SCALAR = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"})

_TITLES = {
    "loss": "loss/training",
    "validation_loss": "loss/validation",
    "validation_wa": "validation/WA",
    "validation_ua": "validation/UA",
    "seconds": "time/seconds",
}
"""TensorBoard groups figures by the first part of their names."""


class TensorBoardLog(Observer):
    """Writes event files into a run folder; `tensorboard --logdir` shows them.

    Args:
        run: The run folder. Nothing is written before the first epoch has ended.
    """

    def __init__(self, run: Path) -> None:
        self._folder = run / FOLDER
        self._writer: tf.summary.SummaryWriter | None = None

    def on_epoch_end(self, row: Epoch, best: bool) -> None:  # noqa: ARG002  what is kept is in `history.csv`
        """Write the figures of an epoch and flush them."""
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._folder))
        figures = asdict(row)
        with self._writer.as_default(step=row.epoch):
            for name, title in _TITLES.items():
                if figures[name] is not None:
                    tf.summary.write(title, tf.constant(figures[name], tf.float32), metadata=_SCALAR)
        self._writer.flush()
