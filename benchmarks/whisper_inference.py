"""Our exported Whisper encoder against ONNX Runtime and PyTorch on the CPU, audio in and probabilities out."""

import logging
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks.alternation import alternate
from benchmarks.machine_speech import batch

if TYPE_CHECKING:
    import numpy as np

    from training.families.whisper.classifier import WhisperClassifier

_SECONDS = 3.0
_BATCHES = (1, 8, 32)

_OURS, _OURS_BF16 = "ours, float32", "ours, bfloat16"
_ONNX, _TORCH = "ONNX Runtime, float32", "PyTorch, float32"
_WHOLE = "ONNX Runtime, float32, 30 s"
_FEATURES = "spectrograms alone"

Ask = Callable[["np.ndarray"], "np.ndarray"]
"""From waveforms [batch, samples] to probabilities [batch, classes]."""


def main(
    checkpoint: Annotated[
        str | None, typer.Option(help="A folder or a name on the hub; tiny's shape with random weights, unless given.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Measurements of each, in turn; the median counts.", min=1)] = 9,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Time clips of 3 s: as our SavedModel, and as our spectrograms followed by ONNX Runtime or PyTorch.

    All have the same weights and spectrograms, and the same network at the clips' own length with 0.5 s of silence; one
    also has the reference's 30 s. All may use every core, and ONNX Runtime all of its graph optimisations. They take
    turns, and pause before each turn so that no thread of the one before still spins. Answers are compared with
    PyTorch's at the same length.

    The claim, in `docs/whisper.md`: the speed of an exported encoder beside ONNX Runtime and PyTorch.

    Needs the extra `reference`. Example: `python -m benchmarks.whisper_inference --json inference.json`
    """
    import keras
    import numpy as np

    from benchmarks.report import show
    from training.families.transformer.head_settings import HeadSettings
    from training.families.whisper.classifier import WhisperClassifier
    from training.families.whisper.settings import WhisperSettings

    keras.utils.set_random_seed(0)
    head = HeadSettings(pooling="statistics")
    model = (
        WhisperClassifier.from_pretrained(checkpoint, 6, head=head, learn="head")
        if checkpoint
        else WhisperClassifier(WhisperSettings(), 6, head=head, learn="all")
    )
    cores = len(os.sched_getaffinity(0))
    figures: dict[str, Any] = {"cores": cores}
    with tempfile.TemporaryDirectory() as folder:
        ours = _ours(model, Path(folder))
        for clips in _BATCHES:
            waveform = batch(clips, _SECONDS)
            contestants = {**ours, **_theirs(model, waveform, Path(folder), cores)}
            answers, taken = alternate(contestants, waveform, rounds)
            compared = (_OURS, _OURS_BF16, _ONNX, _WHOLE)
            distance = {name: float(np.abs(answers[name] - answers[_TORCH]).max()) for name in compared}
            each = {name: 1e3 * seconds / clips for name, seconds in taken.items()}
            figures[str(clips)] = {
                "milliseconds_a_clip": each,
                "distance": distance,
                "ours_over_onnx": taken[_ONNX] / taken[_OURS],
                "ours_bfloat16_over_ours": taken[_OURS] / taken[_OURS_BF16],
                "ours_over_30_seconds": taken[_WHOLE] / taken[_OURS],
            }
            show(
                f"{clips} x {_SECONDS:g} s, {cores} cores",
                ("", "ms a clip", "x ONNX Runtime", "distance"),
                [(name, (spent, each[_ONNX] / spent, distance.get(name, 0.0))) for name, spent in each.items()],
                f"ours over ONNX Runtime {taken[_ONNX] / taken[_OURS]:.2f} x, over its 30 s "
                f"{taken[_WHOLE] / taken[_OURS]:.1f} x; our bfloat16 over our float32 "
                f"{taken[_OURS] / taken[_OURS_BF16]:.2f} x\n",
                figures,
                json_file if clips == _BATCHES[-1] else None,
            )


def _ours(model: "WhisperClassifier", folder: Path) -> dict[str, Ask]:
    import numpy as np

    from data_pipeline.emotion import LABELS
    from serving.export.saved_model import export_model
    from serving.server.servable import Servable
    from training.families.whisper.family import FAMILY
    from training.front_end import WaveformFrontEnd
    from training.run.recogniser import Recogniser

    recogniser = Recogniser(model, tuple(map(str, LABELS)), WaveformFrontEnd(), FAMILY)

    def loaded(dtype: str) -> Ask:
        servable = Servable.load("ser", 1, export_model(recogniser, folder, dtype, dtype=dtype))

        def ask(waveform: np.ndarray) -> np.ndarray:
            lengths = np.full(len(waveform), waveform.shape[1], "int32")
            return servable.run("serving_default", {"waveform": waveform, "num_samples": lengths})["probabilities"]

        return ask

    return {_OURS: loaded("float32"), _OURS_BF16: loaded("bfloat16")}


def _theirs(model: "WhisperClassifier", waveform: "np.ndarray", folder: Path, cores: int) -> dict[str, Ask]:
    import numpy as np
    import onnxruntime
    import tensorflow as tf
    import torch

    from benchmarks.whisper_reference import reference_classifier

    torch.set_num_threads(cores)
    reference = reference_classifier(model)

    @tf.function
    def spectrograms(waveform: tf.Tensor) -> tf.Tensor:
        lengths = tf.fill([tf.shape(waveform)[0]], tf.shape(waveform)[1])
        return tf.transpose(model.backbone.log_mel(waveform, lengths)[0], (0, 2, 1))

    def features(waveform: np.ndarray) -> np.ndarray:
        return spectrograms(tf.constant(waveform)).numpy()

    own = features(waveform)
    floor = own.min(axis=(1, 2), keepdims=True)
    missing = 2 * model.backbone.settings.max_source_positions - own.shape[2]

    def filled_up(log_mel: np.ndarray) -> np.ndarray:
        return np.concatenate([log_mel, np.broadcast_to(floor, (*log_mel.shape[:2], missing))], axis=2)

    def session_for(log_mel: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        path = folder / "x".join(map(str, log_mel.shape))
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # It warns of every operator of a package that is not installed.
            logging.getLogger("torch.onnx").setLevel(logging.ERROR)
            torch.onnx.export(reference, (torch.tensor(log_mel),), path, dynamo=True, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda log_mel: session.run(None, {name: log_mel})[0]

    at_own_length, at_30_seconds = session_for(own), session_for(filled_up(own))

    def with_torch(waveform: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return reference(torch.tensor(features(waveform))).numpy()

    return {
        _ONNX: lambda waveform: at_own_length(features(waveform)),
        _WHOLE: lambda waveform: at_30_seconds(filled_up(features(waveform))),
        _TORCH: with_torch,
        _FEATURES: features,
    }


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
