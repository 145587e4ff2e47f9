"""One optimiser step of our wav2vec 2.0 against the reference implementation on PyTorch, on the same device."""

import gc
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_pipeline.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from training.families.wav2vec2.classifier import Wav2Vec2Classifier
    from training.families.wav2vec2.settings import Wav2Vec2Settings

_RATE = 16_000
_CLASSES = 6
_PROCESSOR = "the processor"
_LEARNING_RATE = 1e-4
_WEIGHT_DECAY = 0.01
_EPSILON = 1e-8

_LEARN = {"encoder": "the strided convolutions fixed", "all": "every weight learns"}
"""What learns, see `training.families.transformer.learning`."""

_WARM_UP = 2
"""Rounds before those that count: on a processor both sides still take memory from the system in the second."""

_AGREE = {"float32": 1e-3, "bfloat16": 3e-2}
"""How far the losses of the first steps may lie apart, as a share of the first."""


@dataclass(frozen=True, slots=True)
class Work:
    """What both sides do.

    Attributes:
        learn: One of `_LEARN`.
        architecture: A `config.json`, or None for the base configuration.
        precision: Of products, `float32` or `bfloat16`; weights and their updates are float32 in both.
        on_gpu: Whether on a graphics card, otherwise on the processor.
    """

    learn: str
    architecture: Path | None
    precision: str
    on_gpu: bool


def main(
    clips: Annotated[int, typer.Option(help="Clips a batch.", min=1)] = 8,
    seconds: Annotated[float, typer.Option(help="Length of each.", min=0.1)] = 3.0,
    architecture: Annotated[
        Path | None, typer.Option(help="A `config.json`; the base configuration unless given.")
    ] = None,
    learn: Annotated[
        list[str] | None,
        typer.Option(help="`encoder`: all but the strided convolutions, or `all`; one after the other unless given."),
    ] = None,
    rounds: Annotated[int, typer.Option(help="Measurements of each, in turn; the median counts.", min=1)] = 5,
    steps: Annotated[
        int | None, typer.Option(help="Steps of a measurement; 1, on a graphics card 10, unless given.", min=1)
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="`float32` or `bfloat16`; the first on a processor unless given.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Time one optimiser step: forward, backward and AdamW, with the strided convolutions fixed, and where all learns.

    Both have the same random weights and the same dropout, and learn from the same clips; LayerDrop and masks are off,
    so that both do the same work. Before anything is timed, the losses of their first steps without dropout are
    compared. Each lives in a process of its own; they take turns. PyTorch has its fused attention, and its fused
    AdamW on a graphics card. `KERAS_BACKEND` says what ours computes with; a graphics card is used where both sides
    see one, in bfloat16 (PyTorch by autocast), and `CUDA_VISIBLE_DEVICES=` keeps both off it.

    The claim, in `docs/wav2vec2.md`: a training step is faster than PyTorch's on a processor.

    Needs the extra `reference`, and TensorFlow only where ours computes with it. Examples:
    `python -m benchmarks.wav2vec2_training --json training.json`,
    `KERAS_BACKEND=jax python -m benchmarks.wav2vec2_training --learn encoder`
    """
    from benchmarks.report import show

    if precision not in (None, *_AGREE):
        raise UserError(f"--precision must be {' or '.join(_AGREE)}, not {precision!r}")
    for one in learn or ():
        if one not in _LEARN:
            raise UserError(f"--learn must be {' or '.join(_LEARN)}, not {one!r}")
    batch = (clips, round(seconds * _RATE))
    measured = [_measured(one, architecture, precision, batch, rounds, steps) for one in learn or _LEARN]
    first = measured[0]
    show(
        f"One step of {clips} x {seconds:g} s in {first['precision']} on {first['device']}",
        ("", "ms", "GFLOP/s", "peak memory, MB"),
        [
            (
                f"{_LEARN[one['learn']]}, {one['operations'] / 1e9:,.0f} GFLOP: {name}",
                (spent, one["operations"] / spent / 1e6, one["peak_bytes"][name] / 1e6),
            )
            for one in measured
            for name, spent in one["milliseconds"].items()
        ],
        "\n".join(
            f"{_LEARN[one['learn']]}: ratio {one['ratio']:.2f} x, "
            f"losses of the first steps within {100 * one['apart']:.2g} % of each other"
            for one in measured
        ),
        measured,
        json_file,
    )


def _measured(
    learn: str,
    architecture: Path | None,
    precision: str | None,
    batch: tuple[int, int],
    rounds: int,
    steps: int | None,
) -> dict[str, Any]:
    """The figures of one way to learn, in processes of their own, whose peak memory then is of that alone."""
    with _Side(_ours) as ours, _Side(_reference) as reference:
        sides = {ours.name: ours, reference.name: reference}
        on_gpu = _on_gpu(ours, reference)
        work = Work(learn, architecture, precision or ("bfloat16" if on_gpu else "float32"), on_gpu)
        steps = steps or (10 if on_gpu else 1)
        losses = {name: side.ask(("losses", work)) for name, side in sides.items()}
        apart = max(abs(a - b) for a, b in zip(*losses.values(), strict=True)) / losses[reference.name][0]
        if apart > _AGREE[work.precision]:
            raise UserError(f"the two do not learn alike, their losses are {losses}: mend that before timing them")
        operations = ours.ask(("begin", work, batch))
        reference.ask(("begin", work, batch))
        taken: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(_WARM_UP + rounds):
            for name, side in sides.items():
                spent = side.ask(("steps", steps))
                if number >= _WARM_UP:
                    taken[name].append(1e3 * spent / steps)
        memory = {name: side.ask(("memory",)) for name, side in sides.items()}
    medians = {name: statistics.median(times) for name, times in taken.items()}
    clips, samples = batch
    return {
        "learn": learn,
        "clips": clips,
        "seconds": samples / _RATE,
        "device": ours.device,
        "cores": len(os.sched_getaffinity(0)),
        "precision": work.precision,
        "operations": operations,
        "milliseconds": medians,
        "rounds": taken,
        "peak_bytes": memory,
        "losses": losses,
        "apart": apart,
        "ratio": medians[reference.name] / medians[ours.name],
    }


class _Side:
    """A process that trains one of the two networks."""

    def __init__(self, serve: "Callable[[Connection], None]") -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> "_Side":
        self.name, self.device, self.on_gpu = self.ask(("who",))
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.join()

    def ask(self, question: tuple) -> Any:
        """Its answer.

        Raises:
            UserError: As it was raised there, or if the process is gone.
        """
        try:
            self._connection.send(question)
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise UserError("one side of the benchmark ended early; its error is above") from error
        if isinstance(answer, UserError):
            raise answer
        return answer


def _on_gpu(ours: _Side, reference: _Side) -> bool:
    if ours.on_gpu != reference.on_gpu:
        seeing, blind = (ours, reference) if ours.on_gpu else (reference, ours)
        raise UserError(
            f"{seeing.name} sees a graphics card and {blind.name} does not: install the latter with CUDA, or set "
            "CUDA_VISIBLE_DEVICES= to measure the processor"
        )
    return ours.on_gpu


def _ours(connection: Connection) -> None:
    """Answer questions with our network, until the connection is closed."""
    # Memory is taken as it is needed, so that its peak can be read and the other side has room.
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    from quiet_tensorflow import hush

    hush()
    import keras
    import numpy as np

    from training.accelerator import compiles
    from training.fitting.adamw import LayerwiseAdamW

    backend = keras.backend.backend()
    device, on_gpu = _keras_device(backend)

    def trainer(work: Work, dropout: bool, batch: tuple[int, int]) -> Callable[[int], list[float]]:
        model = _model(work, dropout)
        optimizer = LayerwiseAdamW(
            _LEARNING_RATE,
            scales=[1.0] * len(model.trainable_variables),
            weight_decay=_WEIGHT_DECAY,
            epsilon=_EPSILON,
        )
        # As in our own training.
        model.compile(optimizer, "categorical_crossentropy", jit_compile=compiles())
        waveform, target = _clips(*batch)
        lengths = np.full(len(waveform), batch[1], "int32")
        whole = ({"waveform": waveform, "num_samples": lengths}, target)

        def steps(count: int) -> list[float]:
            if backend == "jax":
                # As in our own training: `train_on_batch` would give the weights back to the model after each step.
                batches = (whole for _ in range(count))
                return model.fit(batches, steps_per_epoch=count, shuffle=False, verbose=0).history["loss"]
            # Elsewhere not `fit`: the pipeline that Keras makes of a batch waits for its tuning thread when it ends.
            for _ in range(count):
                model.reset_metrics()
                loss = model.train_on_batch(*whole)
            return [float(loss)]

        return steps

    _serve(connection, f"ours on {backend}", device, on_gpu, trainer, lambda: _keras_peak(backend, on_gpu))


def _reference(connection: Connection) -> None:
    """Answer questions with the reference, until the connection is closed."""
    # Its weights come from our network, which needs no card for that, and nothing in memory but PyTorch.
    os.environ["KERAS_BACKEND"] = "torch"
    os.environ["KERAS_TORCH_DEVICE"] = "cpu"
    import torch

    from benchmarks.wav2vec2_reference import reference_classifier

    on_gpu = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if on_gpu else _PROCESSOR
    torch.set_num_threads(len(os.sched_getaffinity(0)))

    def trainer(work: Work, dropout: bool, batch: tuple[int, int]) -> Callable[[int], list[float]]:
        place = "cuda" if on_gpu else "cpu"
        model = reference_classifier(_model(replace(work, precision="float32"), dropout)).to(place).train()
        if work.learn == "encoder":
            model.network.freeze_feature_encoder()
        learning = [weight for weight in model.parameters() if weight.requires_grad]
        optimizer = torch.optim.AdamW(
            learning, _LEARNING_RATE, weight_decay=_WEIGHT_DECAY, eps=_EPSILON, fused=on_gpu or None
        )
        waveform, target = (torch.tensor(array).to(place) for array in _clips(*batch))
        sixteen_bits = work.precision == "bfloat16"

        def steps(count: int) -> list[float]:
            for _ in range(count):
                optimizer.zero_grad(set_to_none=True)
                with torch.autocast(place, torch.bfloat16, enabled=sixteen_bits):
                    answer = model(waveform)
                loss = torch.nn.functional.cross_entropy(answer.float(), target)
                loss.backward()
                optimizer.step()
            return [loss.item()]

        return steps

    _serve(connection, "PyTorch", device, on_gpu, trainer, lambda: _torch_peak(on_gpu))


def _serve(
    connection: Connection,
    name: str,
    device: str,
    on_gpu: bool,
    trainer: Callable[[Work, bool, tuple[int, int]], Callable[[int], list[float]]],
    peak: Callable[[], int],
) -> None:
    steps: Callable[[int], list[float]] | None = None
    while True:
        try:
            question = connection.recv()
        except EOFError:
            return
        try:
            match question:
                case ("who",):
                    answer: Any = (name, device, on_gpu)
                case ("losses", work):
                    # Short clips: this is to compare, not to time.
                    learn = trainer(work, False, (2, _RATE))
                    answer = [learn(1)[-1] for _ in range(3)]
                    # What is timed later needs the room; models and their optimisers refer to each other.
                    del learn
                    gc.collect()
                case ("begin", work, batch):
                    steps = trainer(work, True, batch)
                    answer = _operations(work, batch)
                case ("steps", count) if steps:
                    started = time.perf_counter()
                    steps(count)
                    answer = time.perf_counter() - started
                case ("memory",):
                    answer = peak()
        except UserError as error:
            answer = error
        connection.send(answer)


def _settings(work: Work, dropout: bool) -> "Wav2Vec2Settings":
    from training.families.wav2vec2.settings import Wav2Vec2Settings

    settings = Wav2Vec2Settings.from_file(work.architecture) if work.architecture else Wav2Vec2Settings()
    settings = replace(settings, layerdrop=0.0, apply_spec_augment=False)
    if dropout:
        return settings
    return replace(settings, feat_proj_dropout=0.0, hidden_dropout=0.0, attention_dropout=0.0, activation_dropout=0.0)


def _model(work: Work, dropout: bool) -> "Wav2Vec2Classifier":
    """Our network, with the same random weights in every process and on every backend."""
    import numpy as np

    from training.accelerator import PRECISIONS
    from training.families.transformer.head_settings import HeadSettings
    from training.families.wav2vec2.classifier import Wav2Vec2Classifier

    head = HeadSettings(layers="last", projection=0, pooling="mean", dropout=0.0)
    model = Wav2Vec2Classifier(
        _settings(work, dropout), _CLASSES, head=head, learn=work.learn, dtype=PRECISIONS[work.precision]
    )
    positional = model.backbone.encoder.positional_convolution
    random = np.random.default_rng(0)
    for weight in model.trainable_variables + model.non_trainable_variables:
        if weight is positional.weight_g:
            weight.assign(np.ones(weight.shape))
        elif len(weight.shape) > 1:
            weight.assign(random.normal(scale=np.prod(weight.shape[:-1]) ** -0.5, size=weight.shape))
    return model


def _clips(clips: int, samples: int) -> "tuple[np.ndarray, np.ndarray]":
    """Noise and one-hot answers, the same in every process."""
    import numpy as np

    random = np.random.default_rng(1)
    waveform = random.normal(scale=0.1, size=(clips, samples)).astype("float32")
    return waveform, np.eye(_CLASSES, dtype="float32")[random.integers(_CLASSES, size=clips)]


def _operations(work: Work, batch: tuple[int, int]) -> float:
    from benchmarks.wav2vec2_operations import operations

    clips, samples = batch
    return clips * operations(_settings(work, True), samples).training(strided=work.learn == "all")


def _keras_device(backend: str) -> tuple[str, bool]:
    """What Keras computes with, and whether that is a graphics card."""
    if backend == "jax":
        import jax

        device = jax.devices()[0]
        found = device.device_kind if device.platform == "gpu" else None
    elif backend == "torch":
        import torch

        found = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    else:
        import tensorflow as tf

        cards = tf.config.list_physical_devices("GPU")
        found = tf.config.experimental.get_device_details(cards[0])["device_name"] if cards else None
    return found or _PROCESSOR, found is not None


def _keras_peak(backend: str, on_gpu: bool) -> int:
    """The most bytes that Keras had on its device."""
    if on_gpu and backend == "jax":
        import jax

        return jax.devices()[0].memory_stats()["peak_bytes_in_use"]
    if on_gpu and backend == "tensorflow":
        import tensorflow as tf

        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return _torch_peak(on_gpu)


def _torch_peak(on_gpu: bool) -> int:
    """The most bytes that PyTorch had on its device; on the processor, those of the process."""
    if on_gpu:
        import torch

        return torch.cuda.max_memory_allocated()
    return 1_024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
