"""Time our exported MobileNet against ONNX Runtime, from audio to probabilities, and count the streams it handles."""

import os
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks.alternation import alternate
from benchmarks.machine_speech import batch

if TYPE_CHECKING:
    import keras
    import numpy as np

_SECONDS, _HOP = 3.0, 1.0
_BATCHES = (1, 8, 32)
_ROWS = 8
"""Maximum number of streams in one call, as in the `batching.config` of an export."""

_OURS, _OURS_BF16, _ONNX = "ours, float32", "ours, bfloat16", "ONNX Runtime, float32"
_FEATURES, _NETWORK = "log-mels alone", "ONNX Runtime, network alone"

Ask = Callable[["np.ndarray"], "np.ndarray"]
"""From waveforms [batch, samples] to probabilities [batch, classes]."""


def main(
    run: Annotated[
        Path | None, typer.Option(help="A run folder. [default: random weights in the architecture of --preset]")
    ] = None,
    preset: Annotated[str, typer.Option(help="Preset whose architecture is used without --run.")] = "telephone",
    calls: Annotated[
        int | None,
        typer.Option(
            help="Number of concurrent calls, which share the cores. [default: one per core, as in `ser serve`]", min=1
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option(help="Number of measurements of each, in turn; the median counts.", min=1)
    ] = 15,
    stream_seconds: Annotated[
        float, typer.Option(help="Duration in seconds of each measurement of live streams.", min=1.0)
    ] = 10.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Time a network on clips of 3 s: as our SavedModel, and as our log-mels followed by ONNX Runtime.

    Both have the same weights, features and threads, and their answers are compared. They are measured in turn, with a
    pause before each measurement, so that no thread of the previous one is still spinning. Then the SavedModel receives
    more and more simultaneous streams, a window of 3 s of each stream every second, until the answers take longer than
    a second.

    The claim, in `docs/mobilenet.md`: the speed of an exported MobileNet beside ONNX Runtime, and how many streams two
    cores serve.

    Needs the extra `reference`. Example: `python -m benchmarks.mobilenet_inference --json inference.json`, and with
    every core for one call `python -m benchmarks.mobilenet_inference --calls 1`
    """
    cores = len(os.sched_getaffinity(0))
    calls = min(calls or cores, cores)
    threads = cores // calls
    # This must be set before TensorFlow is imported.
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
    import numpy as np

    from benchmarks.report import show

    figures: dict[str, Any] = {"cores": cores, "calls": calls, "threads": threads}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(calls) as pool:
        contestants = _contestants(_model(run, preset), Path(folder), threads)
        together = {name: _at_once(ask, calls, pool) for name, ask in contestants.items()}
        for clips in _BATCHES:
            answers, taken = alternate(together, batch(clips, _SECONDS), rounds)
            each = {name: 1e3 * seconds / clips / calls for name, seconds in taken.items()}
            distance = {name: float(np.abs(answers[name] - answers[_ONNX]).max()) for name in (_OURS, _OURS_BF16)}
            figures[str(clips)] = {
                "milliseconds_a_clip": each,
                "distance": distance,
                "ours_over_onnx": taken[_ONNX] / taken[_OURS],
                "ours_over_onnx_network_alone": taken[_NETWORK] / taken[_OURS],
                "share_of_features": taken[_FEATURES] / taken[_OURS],
            }
            show(
                f"{clips} x {_SECONDS:g} s, calls at a time: {calls}, threads each: {threads}",
                ("", "ms a clip", "x ONNX Runtime"),
                [(name, (spent, each[_ONNX] / spent)) for name, spent in each.items()],
                f"ours over log-mels and ONNX Runtime {taken[_ONNX] / taken[_OURS]:.2f} x, over its network alone "
                f"{taken[_NETWORK] / taken[_OURS]:.2f} x; features take {taken[_FEATURES] / taken[_OURS]:.0%} of our "
                f"time; answers differ by {distance[_OURS]:.1g}, in bfloat16 by {distance[_OURS_BF16]:.1g}\n",
                figures,
                None,
            )
        carried = {name: _streams(contestants[name], calls, stream_seconds) for name in (_OURS, _OURS_BF16)}
    figures["streams"] = carried
    show(
        f"Live streams, a window of {_SECONDS:g} s every {_HOP:g} s, {cores} cores",
        ("", "streams", "95 % of answers within, s"),
        [(name, (float(found["streams"]), found["latency_95"])) for name, found in carried.items()],
        f"{carried[_OURS]['streams']} simultaneous streams in float32",
        figures,
        json_file,
    )


def _at_once(ask: Ask, calls: int, pool: Executor) -> Ask:
    """Several concurrent calls with the same waveforms; the function returns the answer of the last one."""

    def ask_together(waveform: "np.ndarray") -> "np.ndarray":
        *_, last = pool.map(ask, [waveform] * calls)
        return last

    return ask_together


def _model(run: Path | None, preset: str) -> "keras.Model":
    import keras

    from data_pipeline.audio.log_mel import LogMelSettings
    from data_pipeline.errors import UserError
    from training.families.mobilenet import network as mobilenet
    from training.families.mobilenet.recipe import PRESETS
    from training.run.folder import Run

    if run is not None:
        opened = Run.open(run)
        if opened.config["model"].get("body") != "audioset":
            raise UserError(f"{run} is no MobileNet with an AudioSet body: choose another run")
        return opened.recogniser().model
    if preset not in PRESETS:
        raise UserError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}")
    keras.utils.set_random_seed(0)
    return mobilenet.build(PRESETS[preset].model, 6, LogMelSettings())


def _contestants(model: "keras.Model", folder: Path, threads: int) -> dict[str, Ask]:
    import numpy as np
    import onnxruntime
    import tensorflow as tf

    from benchmarks.mobilenet_onnx import to_onnx
    from data_pipeline.audio.log_mel import LogMelSettings, log_mel
    from data_pipeline.emotion import LABELS
    from serving.export.saved_model import export_model
    from serving.server.servable import Servable
    from training.families.mobilenet.family import FAMILY
    from training.front_end import LogMelFrontEnd
    from training.run.recogniser import Recogniser

    recogniser = Recogniser(model, tuple(map(str, LABELS)), LogMelFrontEnd(), FAMILY)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(to_onnx(model), options, providers=["CPUExecutionProvider"])
    features = tf.function(
        lambda waveform: log_mel(waveform, LogMelSettings()), input_signature=[tf.TensorSpec([None, None], tf.float32)]
    )

    def exported(dtype: str) -> Ask:
        # Model servers, too, run the model in a session.
        servable = Servable.load(dtype, 1, export_model(recogniser, folder, dtype, dtype=dtype))

        def ask(waveform: np.ndarray) -> np.ndarray:
            lengths = np.full(len(waveform), waveform.shape[1], "int32")
            return servable.run("serving_default", {"waveform": waveform, "num_samples": lengths})["probabilities"]

        return ask

    def network(log_mels: np.ndarray) -> np.ndarray:
        return session.run(None, {"log_mel": log_mels})[0]

    # The input of the network alone has the right shape. Its content does not change the time.
    silent = np.zeros((max(_BATCHES), *model.get_layer("backbone").input_shape[1:3]), "float32")
    return {
        _OURS: exported("float32"),
        _OURS_BF16: exported("bfloat16"),
        _ONNX: lambda waveform: network(features(waveform).numpy()),
        _NETWORK: lambda waveform: network(silent[: len(waveform)]),
        _FEATURES: lambda waveform: features(waveform).numpy(),
    }


def _streams(ask: Ask, calls: int, seconds: float) -> dict[str, float]:
    """The maximum number of streams, in steps of 25, for which 95 % of the answers come within a hop."""
    carried = {"streams": 0, "latency_95": 0.0}
    count = 50
    while True:
        latency = _stream_latency(ask, count, calls, seconds)
        if latency > _HOP:
            return carried
        carried = {"streams": count, "latency_95": latency}
        count += 25


def _stream_latency(ask: Ask, streams: int, calls: int, seconds: float) -> float:
    """The 95th percentile of the seconds from the end of a window to its answer. The streams' starts are evenly spread
    over a hop.
    """
    import numpy as np

    audio = batch(_ROWS, _SECONDS)
    due = [index * _HOP / streams for index in range(round(streams * seconds / _HOP))]
    late: list[float] = []
    lock = threading.Lock()
    taken = 0
    started = time.perf_counter()

    def answer() -> None:
        nonlocal taken
        while True:
            with lock:
                first, now = taken, time.perf_counter() - started
                if first == len(due):
                    return
                ready = sum(1 for moment in due[first : first + _ROWS] if moment <= now)
                taken += ready
            if not ready:
                time.sleep(max(due[first] - now, 0.0))
                continue
            ask(audio[:ready])
            done = time.perf_counter() - started
            with lock:
                late.extend(done - moment for moment in due[first : first + ready])

    threads = [threading.Thread(target=answer) for _ in range(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return float(np.percentile(late, 95))


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
