"""Our exported wav2vec 2.0 against ONNX Runtime and PyTorch on the CPU, audio in and probabilities out."""

import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks.alternation import alternate
from benchmarks.machine_speech import batch

if TYPE_CHECKING:
    import numpy as np

    from training.families.wav2vec2.classifier import Wav2Vec2Classifier

_SHAPES = ((1, 3.0), (4, 2.0), (8, 3.0))
"""Clips a batch, and their seconds."""

_OURS, _OURS_BF16 = "ours, float32", "ours, bfloat16"
_ONNX, _TORCH, _TORCH_BF16 = "ONNX Runtime, float32", "PyTorch, float32", "PyTorch, bfloat16"


def main(
    checkpoint: Annotated[
        str | None, typer.Option(help="A folder or a name on the hub; the base configuration, random, unless given.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Measurements of each, in turn; the median counts.", min=1)] = 7,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Time one forward pass of the same network: ours as a SavedModel, the reference in ONNX Runtime and PyTorch.

    All have the same weights, take waveforms and give probabilities (normalisation, backbone, mean over frames, one
    dense layer), which are compared; all may use every core. They take turns, and pause before each turn so that no
    thread of the one before still spins. `distance` is from PyTorch's float32 probabilities, PyTorch's bfloat16 is by
    autocast.

    The claim, in `docs/wav2vec2.md`: the speed of our SavedModel beside ONNX Runtime and PyTorch.

    Needs the extra `reference`. Example: `python -m benchmarks.wav2vec2_inference --json inference.json`
    """
    import keras
    import numpy as np

    from benchmarks.report import show
    from benchmarks.wav2vec2_operations import operations
    from data_pipeline.audio.decode import SAMPLE_RATE
    from training.families.transformer.head_settings import HeadSettings
    from training.families.wav2vec2.classifier import Wav2Vec2Classifier
    from training.families.wav2vec2.settings import Wav2Vec2Settings

    keras.utils.set_random_seed(0)
    head = HeadSettings(layers="last", projection=0, pooling="mean", dropout=0.0)
    model = (
        Wav2Vec2Classifier.from_pretrained(checkpoint, 6, head=head)
        if checkpoint
        else Wav2Vec2Classifier(Wav2Vec2Settings(), 6, head=head)
    )
    settings = model.backbone.settings
    cores = len(os.sched_getaffinity(0))
    peak = _peak_of_matrix_products()
    figures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        ours = _ours(model, Path(folder))
        reference = _reference(model)
        for clips, seconds in _SHAPES:
            samples = round(seconds * SAMPLE_RATE)
            waveform = batch(clips, seconds)
            contestants = {**ours, **_theirs(reference, waveform, Path(folder), cores)}
            answers, taken = alternate(contestants, waveform, rounds)
            total = clips * operations(settings, samples).forward
            distance = {name: float(np.abs(answer - answers[_TORCH]).max()) for name, answer in answers.items()}
            figures.append(
                {
                    "clips": clips,
                    "seconds": seconds,
                    "operations": total,
                    "peak_operations_per_second": peak,
                    "milliseconds": {name: 1e3 * spent for name, spent in taken.items()},
                    "distance": distance,
                    "ours_over_onnx": taken[_ONNX] / taken[_OURS],
                    "ours_bfloat16_over_ours": taken[_OURS] / taken[_OURS_BF16],
                    "ours_bfloat16_over_torch_bfloat16": taken[_TORCH_BF16] / taken[_OURS_BF16],
                }
            )
            show(
                f"{clips} x {seconds:g} s, {cores} cores, {total / 1e9:.0f} GFLOP; matrix products reach "
                f"{peak / 1e9:.0f} GFLOP/s in float32",
                ("", "ms", "x ONNX Runtime", "% of peak", "distance"),
                [
                    (
                        name,
                        (1e3 * spent, taken[_ONNX] / spent, 100 * total / spent / peak, distance[name]),
                    )
                    for name, spent in taken.items()
                ],
                f"ours over ONNX Runtime {taken[_ONNX] / taken[_OURS]:.2f} x, our bfloat16 over our float32 "
                f"{taken[_OURS] / taken[_OURS_BF16]:.2f} x, over PyTorch's bfloat16 "
                f"{taken[_TORCH_BF16] / taken[_OURS_BF16]:.2f} x\n",
                figures,
                json_file if (clips, seconds) == _SHAPES[-1] else None,
            )


def _ours(model: "Wav2Vec2Classifier", folder: Path) -> "dict[str, Callable[[np.ndarray], np.ndarray]]":
    import numpy as np
    import tensorflow as tf

    from data_pipeline.emotion import LABELS
    from serving.export.saved_model import export_model
    from training.families.wav2vec2.family import FAMILY
    from training.front_end import WaveformFrontEnd
    from training.run.recogniser import Recogniser

    recogniser = Recogniser(model, tuple(map(str, LABELS)), WaveformFrontEnd(), FAMILY)

    def loaded(dtype: str) -> Callable[[np.ndarray], np.ndarray]:
        signatures = tf.saved_model.load(str(export_model(recogniser, folder, dtype, dtype=dtype))).signatures
        signature = signatures["serving_default"]

        def ask(waveform: np.ndarray) -> np.ndarray:
            lengths = np.full(len(waveform), waveform.shape[1], "int32")
            answer = signature(waveform=tf.constant(waveform), num_samples=tf.constant(lengths))
            return answer["probabilities"].numpy()

        return ask

    return {_OURS: loaded("float32"), _OURS_BF16: loaded("bfloat16")}


def _reference(model: "Wav2Vec2Classifier") -> Any:
    """The same network on PyTorch, with probabilities as its answer and its weight norm folded as well."""
    import torch
    from torch.nn.utils import parametrize

    from benchmarks.wav2vec2_reference import reference_classifier

    classifier = reference_classifier(model)
    parametrize.remove_parametrizations(classifier.network.encoder.pos_conv_embed.conv, "weight")
    return torch.nn.Sequential(classifier, torch.nn.Softmax(1)).eval()


def _theirs(
    reference: Any, waveform: "np.ndarray", folder: Path, cores: int
) -> "dict[str, Callable[[np.ndarray], np.ndarray]]":
    import numpy as np
    import onnxruntime
    import torch

    torch.set_num_threads(cores)
    path = folder / f"{waveform.shape[0]}x{waveform.shape[1]}.onnx"
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # It warns of every operator of a package that is not installed.
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(reference, (torch.tensor(waveform),), path, dynamo=True, verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def with_torch(dtype: Any) -> Callable[[np.ndarray], np.ndarray]:
        def ask(waveform: np.ndarray) -> np.ndarray:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
                return reference(torch.tensor(waveform)).float().numpy()

        return ask

    return {
        _ONNX: lambda waveform: session.run(None, {name: waveform})[0],
        _TORCH: with_torch(torch.float32),
        _TORCH_BF16: with_torch(torch.bfloat16),
    }


def _peak_of_matrix_products() -> float:
    """Operations a second of TensorFlow's float32 product of two matrices of 2,048 x 2,048; the best of ten."""
    import tensorflow as tf

    matrix = tf.random.normal((2_048, 2_048))
    product = tf.function(tf.matmul)
    taken = []
    for _ in range(11):
        started = time.perf_counter()
        product(matrix, matrix).numpy()
        taken.append(time.perf_counter() - started)
    return 2.0 * 2_048**3 / min(taken)


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
