"""Our exported MobileNet against ONNX Runtime, audio in and probabilities out, and how many live streams it carries."""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks.turns import take_turns
from quiet_tensorflow import hush

if TYPE_CHECKING:
    import keras
    import numpy as np

_SECONDS, _HOP = 3.0, 1.0
_BATCHES = (1, 8, 32)
_OURS, _OURS_BF16, _ONNX = "ours, float32", "ours, bfloat16", "ONNX Runtime, float32"
_FEATURES, _NETWORK = "log-mels alone", "ONNX Runtime, network alone"

Ask = Callable[["np.ndarray"], "np.ndarray"]
"""From waveforms [batch, samples] to probabilities [batch, classes]."""


def main(
    run: Annotated[
        Path | None, typer.Option(help="A run folder; random weights of the preset's shape unless given.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Whose shape, without a run.")] = "telephone",
    rounds: Annotated[int, typer.Option(help="Measurements of each, in turn; the median counts.", min=1)] = 15,
    stream_seconds: Annotated[float, typer.Option(help="How long streams are listened to, each try.", min=1.0)] = 10.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Time one network on clips of 3 s: ours as a SavedModel; its log-mels and then ONNX Runtime.

    Both have the same weights and features and may use every core; their answers are compared. They take turns, and
    pause before each turn so that no thread of the one before still spins. Then the SavedModel listens to more and more
    simultaneous streams, a window of 3 s of each every second, as long as each is answered within its second.

    Needs the extra `reference`. Example: `python -m benchmarks.mobilenet_inference --json inference.json`
    """
    hush()
    import numpy as np

    from benchmarks.report import show
    from data_pipeline.decode import SAMPLE_RATE

    cores = len(os.sched_getaffinity(0))
    figures: dict[str, Any] = {"cores": cores}
    with tempfile.TemporaryDirectory() as folder:
        contestants = _contestants(_model(run, preset), Path(folder), cores)
        for clips in _BATCHES:
            samples = round(_SECONDS * SAMPLE_RATE)
            waveform = np.random.default_rng(0).normal(scale=0.1, size=(clips, samples)).astype("float32")
            answers, taken = take_turns(contestants, waveform, rounds)
            each = {name: 1e3 * seconds / clips for name, seconds in taken.items()}
            distance = {name: float(np.abs(answers[name] - answers[_ONNX]).max()) for name in (_OURS, _OURS_BF16)}
            figures[str(clips)] = {
                "milliseconds_a_clip": each,
                "distance": distance,
                "ours_over_onnx": taken[_ONNX] / taken[_OURS],
                "ours_over_onnx_network_alone": taken[_NETWORK] / taken[_OURS],
                "share_of_features": taken[_FEATURES] / taken[_OURS],
            }
            show(
                f"{clips} x {_SECONDS:g} s, {cores} cores",
                ("", "ms a clip", "x ONNX Runtime"),
                [(name, (spent, each[_ONNX] / spent)) for name, spent in each.items()],
                f"ours over log-mels and ONNX Runtime {taken[_ONNX] / taken[_OURS]:.2f} x, over its network alone "
                f"{taken[_NETWORK] / taken[_OURS]:.2f} x; features take {taken[_FEATURES] / taken[_OURS]:.0%} of our "
                f"time; answers differ by {distance[_OURS]:.1g}, in bfloat16 by {distance[_OURS_BF16]:.1g}\n",
                figures,
                None,
            )
        carried = {name: _streams(contestants[name], stream_seconds) for name in (_OURS, _OURS_BF16)}
    figures["streams"] = carried
    show(
        f"Live streams, a window of {_SECONDS:g} s every {_HOP:g} s, {cores} cores",
        ("", "streams", "95 % of answers within, s"),
        [(name, (float(found["streams"]), found["latency_95"])) for name, found in carried.items()],
        f"{carried[_OURS]['streams']} simultaneous streams in float32",
        figures,
        json_file,
    )


def _model(run: Path | None, preset: str) -> "keras.Model":
    import keras

    from data_pipeline.errors import UserError
    from data_pipeline.log_mel import LogMelSettings
    from training.models import mobilenet
    from training.recipes.mobilenet_presets import PRESETS
    from training.run import Run

    if run is not None:
        opened = Run.open(run)
        if opened.config["model"].get("body") != "audioset":
            raise UserError(f"{run} is no MobileNet with an AudioSet body: choose another run")
        return opened.recogniser().model
    if preset not in PRESETS:
        raise UserError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}")
    keras.utils.set_random_seed(0)
    return mobilenet.build(PRESETS[preset].model, 6, LogMelSettings())


def _contestants(model: "keras.Model", folder: Path, cores: int) -> dict[str, Ask]:
    import numpy as np
    import onnxruntime
    import tensorflow as tf

    from benchmarks.mobilenet_onnx import to_onnx
    from data_pipeline.emotion import LABELS
    from data_pipeline.log_mel import LogMelSettings, log_mel
    from serving.export import export
    from training.recogniser import Recogniser

    recogniser = Recogniser(model, tuple(map(str, LABELS)), LogMelSettings())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores
    session = onnxruntime.InferenceSession(to_onnx(model), options, providers=["CPUExecutionProvider"])
    features = tf.function(
        lambda waveform: log_mel(waveform, LogMelSettings()), input_signature=[tf.TensorSpec([None, None], tf.float32)]
    )

    def exported(dtype: str) -> Ask:
        version = export(recogniser, folder, dtype, dtype=dtype)
        signature = tf.saved_model.load(str(version)).signatures["serving_default"]

        def ask(waveform: np.ndarray) -> np.ndarray:
            lengths = np.full(len(waveform), waveform.shape[1], "int32")
            answer = signature(waveform=tf.constant(waveform), num_samples=tf.constant(lengths))
            return answer["probabilities"].numpy()

        return ask

    def network(log_mels: np.ndarray) -> np.ndarray:
        return session.run(None, {"log_mel": log_mels})[0]

    # What the network alone is given has the right shape; what is in it does not matter for time.
    silent = np.zeros((max(_BATCHES), *model.get_layer("backbone").input_shape[1:3]), "float32")
    return {
        _OURS: exported("float32"),
        _OURS_BF16: exported("bfloat16"),
        _ONNX: lambda waveform: network(features(waveform).numpy()),
        _NETWORK: lambda waveform: network(silent[: len(waveform)]),
        _FEATURES: lambda waveform: features(waveform).numpy(),
    }


def _streams(ask: Ask, seconds: float) -> dict[str, float]:
    """The most streams, in steps of 25, of which 95 % of the answers come within a hop."""
    carried = {"streams": 0, "latency_95": 0.0}
    count = 50
    while True:
        latency = _listen(ask, count, seconds)
        if latency > _HOP:
            return carried
        carried = {"streams": count, "latency_95": latency}
        count += 25


def _listen(ask: Ask, streams: int, seconds: float) -> float:
    """The 95th percentile of seconds from the end of a window to its answer; streams begin evenly over a hop."""
    import numpy as np

    from data_pipeline.decode import SAMPLE_RATE

    largest = max(_BATCHES)
    audio = np.random.default_rng(0).normal(scale=0.1, size=(largest, round(_SECONDS * SAMPLE_RATE))).astype("float32")
    due = [index * _HOP / streams for index in range(round(streams * seconds / _HOP))]
    late: list[float] = []
    started = time.perf_counter()
    while len(late) < len(due):
        now = time.perf_counter() - started
        ready = sum(1 for moment in due[len(late) : len(late) + largest] if moment <= now)
        if not ready:
            time.sleep(max(due[len(late)] - now, 0.0))
            continue
        ask(audio[:ready])
        done = time.perf_counter() - started
        late += [done - moment for moment in due[len(late) : len(late) + ready]]
    return float(np.percentile(late, 95))


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
