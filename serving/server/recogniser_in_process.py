"""A SavedModel asked in this process, without a server."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError
from serving.errors import UnexpectedAnswerError
from serving.model_repository import repository
from serving.recognition.emotion_recogniser import EmotionRecogniser
from serving.server.refusal import Refusal
from serving.server.servable import Servable
from serving.tensors import to_proto

_BATCH_SIZE = 16
"""A MobileNet takes longer for a row again in larger batches."""


class InProcessRecogniser(EmotionRecogniser):
    """Answers from a SavedModel on disk.

    Args:
        folder: The folder of one version, or that of a model with versions in it, of which the newest
            answers.

    Raises:
        UserError: If there is no SavedModel in it.
    """

    def __init__(self, folder: Path):
        version_folder = newest_version(folder)
        self.labels = _labels(version_folder)
        self.batch_size = _BATCH_SIZE
        self.concurrency = 1  # a run uses all processors
        name = version_folder.name
        self._servable = Servable.load(version_folder.parent.name, int(name) if name.isdigit() else 0, version_folder)
        # TensorFlow readies a graph in its first run; no caller's first answer should wait for that.
        self.ask(np.zeros((1, SAMPLE_RATE), np.float32), np.array([SAMPLE_RATE], np.int32))

    def ask(self, waveform: np.ndarray, num_samples: np.ndarray) -> tuple[Mapping[str, np.ndarray], int]:
        """Run the graph here; see `EmotionRecogniser.ask`."""
        inputs = {"waveform": to_proto(waveform), "num_samples": to_proto(num_samples)}
        try:
            return self._servable.predict("", inputs), self._servable.version
        except Refusal as refusal:
            raise UnexpectedAnswerError(
                f"{self._servable.name} does not take waveforms ({refusal.sentence}): export it again"
            ) from refusal


def newest_version(folder: Path) -> Path:
    """The SavedModel that a folder stands for: itself, or its highest version.

    Raises:
        UserError: If it is neither.
    """
    if (folder / "saved_model.pb").is_file():
        return folder
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: name that of a model, MODELS/NAME, or of one of its versions")
    versions = repository.saved_models(folder)
    if not versions:
        raise UserError(
            f"{folder} holds no SavedModel, neither saved_model.pb nor <version>/saved_model.pb: "
            "name the folder of a model, MODELS/NAME, or of one of its versions"
        )
    return versions[max(versions)]


def _labels(folder: Path) -> tuple[str, ...]:
    path = folder / repository.LABELS_FILE
    return tuple(path.read_text(encoding="utf-8").split()) if path.is_file() else LABELS
