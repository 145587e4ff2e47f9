"""The state of a training, from which it continues exactly where it stopped.

`keras.callbacks.BackupAndRestore` loses the state of dropout's seeds, which none of Keras's files contains. Here every
variable is saved, those of the seeds and of the optimiser included. The data are a pure function of the epoch, so that
nothing else is needed.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import replacing

_HISTORY = "history"


@dataclass(frozen=True, slots=True)
class TrainingState:
    """All variables after an epoch, and the history.

    Attributes:
        variables: All variables of model and optimiser, in their order.
        history: A row for each complete epoch.
    """

    variables: tuple[np.ndarray, ...]
    history: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, model: keras.Model, history: Sequence[Mapping[str, Any]]) -> "TrainingState":
        """The state of a compiled model whose optimiser is built."""
        return cls(tuple(ops.convert_to_numpy(variable) for variable in _variables(model)), tuple(history))

    def restore(self, model: keras.Model) -> None:
        """Restore every variable.

        Args:
            model: Built and compiled like the saved one, with a built optimiser. Changed in place.
        """
        for variable, value in zip(_variables(model), self.variables, strict=True):
            variable.assign(value)

    def write(self, path: Path) -> None:
        """Replace the file; a reader sees the old state or the new one."""
        arrays: dict[str, Any] = {f"variable_{number:05d}": value for number, value in enumerate(self.variables)}
        with replacing(path) as part, part.open("wb") as file:
            np.savez(file, history=np.array(json.dumps(self.history)), **arrays)

    @classmethod
    def read(cls, path: Path) -> "TrainingState":
        """What `write` wrote.

        Raises:
            UserError: If the file is damaged.
        """
        try:
            with np.load(path) as arrays:
                history = json.loads(str(arrays[_HISTORY]))
                names = sorted(name for name in arrays.files if name != _HISTORY)
                return cls(tuple(arrays[name] for name in names), tuple(history))
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"{path} cannot be read ({error}): choose another folder and train again") from error


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]
