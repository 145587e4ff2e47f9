"""Recognise emotions with a SavedModel in this process, without a server."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.errors import UserError
from serving.errors import UnexpectedAnswerError
from serving.model_repository import layout
from serving.protocol.messages import PredictRequest
from serving.recognition.emotion_recogniser import EmotionRecogniser
from serving.server.request_error import RequestError
from serving.server.servable import Servable
from serving.tensors import write_tensor

_BATCH_SIZE = 16
"""In larger batches, a MobileNet takes longer per row again."""


class InProcessRecogniser(EmotionRecogniser):
    """Recognises emotions with a SavedModel on disk.

    Args:
        folder: Folder of a version, or folder of a model, whose newest version is used.

    Raises:
        UserError: If the folder holds no SavedModel.
    """

    def __init__(self, folder: Path):
        version_folder = newest_version(folder)
        self.labels = _labels(version_folder)
        self.batch_size = _BATCH_SIZE
        self.concurrency = 1  # one computation uses all processors
        name = version_folder.name
        self._servable = Servable.load(version_folder.parent.name, int(name) if name.isdigit() else 0, version_folder)
        # TensorFlow prepares a graph during its first run. Run it now, so that the first answer need not wait for that.
        self.predict(np.zeros((1, SAMPLE_RATE), np.float32), np.array([SAMPLE_RATE], np.int32))

    def predict(self, waveform: np.ndarray, num_samples: np.ndarray) -> tuple[Mapping[str, np.ndarray], int]:
        """Run the graph in this process; see `EmotionRecogniser.predict`."""
        request = PredictRequest()
        write_tensor(request.inputs["waveform"], waveform)
        write_tensor(request.inputs["num_samples"], num_samples)
        try:
            return self._servable.predict("", request.inputs), self._servable.version
        except RequestError as error:
            raise UnexpectedAnswerError(
                f"{self._servable.name} does not take waveforms ({error.sentence}): export it again"
            ) from error


def newest_version(folder: Path) -> Path:
    """The SavedModel in a folder: the folder itself if it is a version, or the newest version of a model.

    Raises:
        UserError: If the folder holds no SavedModel.
    """
    if (folder / "saved_model.pb").is_file():
        return folder
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: name that of a model, MODELS/NAME, or of one of its versions")
    versions = layout.saved_models(folder)
    if not versions:
        raise UserError(
            f"{folder} holds no SavedModel, neither saved_model.pb nor <version>/saved_model.pb: "
            "name the folder of a model, MODELS/NAME, or of one of its versions"
        )
    return versions[max(versions)]


def _labels(folder: Path) -> tuple[str, ...] | None:
    """The labels in the model's file, one in each line; None without a file, where the graph tells them."""
    path = folder / layout.LABELS_FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return tuple(line.strip() for line in lines if line.strip()) or None
