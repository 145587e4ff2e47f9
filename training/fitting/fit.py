"""Fitting a model to a prepared dataset, epoch by epoch, keeping the weights that are best on unseen speakers."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

import keras
import numpy as np
import tensorflow as tf

from data_pipeline import input_pipeline
from data_pipeline.augment import AugmentSettings
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.targets import Target, truth
from training.distributed import Replicas, Team, scope
from training.evaluation import metrics
from training.fitting.averaging import averaged_weights
from training.fitting.layerwise_adamw import LayerwiseAdamW
from training.fitting.replica_adamw import ReplicaAdamW
from training.fitting.state import TrainingState
from training.front_end import FrontEnd, batches, padding
from training.run.folder import Run

_VALIDATION_BATCH = 64


SCHEDULES = ("cosine", "constant")

KEEP = ("best", "last")


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How a model is fitted.

    Attributes:
        epochs: Passes over the training clips at most.
        patience: Stop after so many epochs without a better UA on the validation speakers.
        batch_size: Clips a step.
        learning_rate: Peak of the schedule.
        schedule: `cosine`: linear warm-up, then half a cosine to zero. `constant`: the peak all the time.
        warmup_epochs: Length of the warm-up.
        accumulate: Steps whose gradients are averaged for one change of the weights.
        weight_decay: Of AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101).
        label_smoothing: Share of each label spread over all classes.
        class_balance: 1: every class counts alike, however many clips it has; 0: every clip does; between: in between.
        average: Share of the past in the moving average of the weights that is evaluated and kept, as 0.995; 0 for
            none. It forgets within about 1 / (1 - average) steps.
        crop_seconds: At most so much of a clip is seen in a training step; evaluation hears all of it.
        seed: Of initial weights, order, dropout and augmentation.
        augment: Changes to training clips.
        validate_every: Epochs from one look at the validation speakers to the next; after the last epoch there is
            always one. Only epochs that were looked at can be kept.
        keep: Whose weights stay: `best`, the epoch with the best UA on the validation speakers, or `last`, after all
            `epochs`, so that figures on the validation speakers flatter in nothing.
        jit: Whether XLA compiles the steps, which it does anew for each length of a batch; None leaves it to the
            family of models.
    """

    epochs: int = 16
    patience: int = 6
    batch_size: int = 32
    learning_rate: float = 5e-4
    schedule: str = "cosine"
    warmup_epochs: float = 1.0
    accumulate: int = 1
    weight_decay: float = 0.01
    label_smoothing: float = 0.1
    class_balance: float = 0.0
    average: float = 0.0
    crop_seconds: float = 3.0
    seed: int = 0
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    keep: str = "best"
    validate_every: int = 1
    jit: bool | None = None

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise UserError(f"schedule must be one of {', '.join(SCHEDULES)}, not {self.schedule!r}")
        if self.keep not in KEEP:
            raise UserError(f"keep must be one of {', '.join(KEEP)}, not {self.keep!r}")
        if self.accumulate < 1:
            raise UserError(f"gradients of {self.accumulate} steps cannot be averaged: accumulate 1 or more")
        if self.validate_every < 1:
            raise UserError(f"validate_every is {self.validate_every!r}: give a number of epochs, 1 or more")
        if not 0 <= self.class_balance <= 1:
            raise UserError(f"class_balance is {self.class_balance!r}: give a number from 0 to 1")
        if not 0 <= self.average < 1:
            raise UserError(f"average is {self.average!r}: give 0 (off) or a share below 1")


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch brought; a row of `history.csv`. Of an epoch without a look at the validation speakers there are
    no figures of theirs.
    """

    epoch: int
    loss: float
    validation_loss: float | None
    validation_wa: float | None
    validation_ua: float | None
    seconds: float


_NOT_HEARD: dict[str, float | None] = {"validation_loss": None, "validation_wa": None, "validation_ua": None}


class Observer:
    """What a fit tells while it runs; the command line draws progress bars from it, tests listen to it."""

    def on_resume(self, epoch: int) -> None:
        """A training that was interrupted goes on after this epoch."""

    def on_epoch_begin(self, epoch: int, steps: int) -> None:
        """An epoch of so many steps begins; epochs count from 1."""

    def on_step(self) -> None:
        """A training step is done."""

    def on_epoch_end(self, row: Epoch, best: bool) -> None:
        """An epoch is over; `best` if its weights were kept."""


def fit(
    model: keras.Model,
    dataset: Dataset,
    run: Run,
    settings: FitSettings,
    front_end: FrontEnd,
    target: Target,
    observer: Observer | None = None,
    scales: Sequence[float] | None = None,
    jit_compile: bool | str = "auto",
    delays: Sequence[float] | None = None,
    team: Team | None = None,
) -> Epoch:
    """Fit a model and keep the weights of an epoch in the run folder: that with the best UA on the validation side,
    or the last.

    Where the run folder holds the state of the same training, interrupted, that goes on after its last whole epoch and
    ends with the weights that it would have had.

    Args:
        model: From what the front end gives to probabilities. Changed in place: afterwards it holds the weights
            of the last epoch; `run.recogniser()` gives the best ones.
        dataset: With sides `train` and `validation`.
        run: Where weights and history go.
        settings: How to fit.
        front_end: What the model is given.
        target: Which labels there are and whose word is learned; the epoch is chosen by the same.
        observer: Told of the progress.
        scales: What the learning rate of each trainable weight is multiplied by; the same for all unless given.
        jit_compile: See `keras.Model.compile`; counts unless the settings say whether to compile.
        delays: Epochs after which each trainable weight begins to learn; at once unless given.
        team: Of replicas that learn together, in whose scope the model was made; None for a model alone. A batch is
            then divided among them, and the run folder is written by the chief only, whose state all go on from.

    Returns:
        The epoch whose weights were kept.

    Raises:
        UserError: If the dataset lacks a side, or a side clips with one of the labels; if no validation clip has one
            right answer to choose an epoch by; if there was no epoch to keep; or if a team's replicas cannot be
            compiled (see `Replicas`).
    """
    observer = observer or Observer()
    steps = math.ceil(target.clips(dataset.split("train")) / settings.batch_size)
    known = input_pipeline.descriptions(dataset, "validation", target)
    right = truth(known["label"], known["votes"], target)
    if (right < 0).all():
        raise UserError(
            f"listeners agree on one of the labels for no validation clip of {dataset.folder}, so that no epoch "
            "could be chosen: train with --labels acted"
        )
    validation = batches(
        front_end,
        dataset,
        "validation",
        batch_size=_VALIDATION_BATCH,
        target=target,
        part=team.part if team else None,
    )
    changes = steps / settings.accumulate  # of the weights, in an epoch
    starts = [round(delay * changes) for delay in delays] if delays is not None else None
    with scope(team):
        optimizer = _optimizer(model, settings, steps, scales, starts, team)
        _compile(model, settings, optimizer, jit_compile if settings.jit is None else settings.jit)
    replicas = Replicas(model, team, padding(front_end)) if team else None
    history = _begin(model, run)
    if team:
        history = _as_the_chief(model, history, team)
    if history:
        observer.on_resume(history[-1].epoch)

    def answers() -> np.ndarray:
        if replicas:
            return replicas.predict(validation, len(right), _VALIDATION_BATCH)
        return model.predict(validation, verbose=0)

    while len(history) < settings.epochs and not _stopped_early(history, settings):
        number = len(history) + 1
        started = time.perf_counter()
        observer.on_epoch_begin(number, steps)
        loss = _train_epoch(model, dataset, settings, front_end, target, number - 1, observer.on_step, replicas)
        with averaged_weights(model):
            looked = number % settings.validate_every == 0 or number == settings.epochs
            heard = _validation_figures(answers(), right) if looked else _NOT_HEARD
            row = Epoch(number, float(loss), **heard, seconds=round(time.perf_counter() - started, 2))
            history.append(row)
            if looked and run.kept_here and _kept(history, settings) is row:
                run.save_model(model)
        if run.kept_here:
            rows = [asdict(epoch) for epoch in history]
            # Last of all: what is cut off before is done again, and comes out the same.
            run.write_history(rows)
            TrainingState.of(model, rows).write(run.state_file)
        observer.on_epoch_end(row, looked and _kept(history, settings) is row)
    if not history:
        raise UserError(f"no epoch was kept in {run.folder}: train for one epoch or more")
    if run.kept_here:
        run.state_file.unlink(missing_ok=True)
    return _kept(history, settings)


def _begin(model: keras.Model, run: Run) -> list[Epoch]:
    """Take up what an interrupted training left, or note the state before the first epoch.

    Returns:
        The epochs that are over.
    """
    if not run.kept_here:
        return []
    if not run.state_file.exists():
        TrainingState.of(model, ()).write(run.state_file)
        return []
    state = TrainingState.read(run.state_file)
    state.restore(model)
    return [Epoch(**row) for row in state.history]


def _as_the_chief(model: keras.Model, history: Sequence[Epoch], team: Team) -> list[Epoch]:
    """Give the model the chief's state; returns the epochs that are over for the chief."""
    rows = json.loads(team.broadcast_text(json.dumps([asdict(row) for row in history])))
    variables = team.broadcast(TrainingState.of(model, rows).variables)
    TrainingState(tuple(variables), rows).restore(model)
    return [Epoch(**row) for row in rows]


def _kept(history: Sequence[Epoch], settings: FitSettings) -> Epoch:
    """The last epoch, or the first of those with the highest UA; of those that were looked at, if there is one."""
    heard = [row for row in history if row.validation_ua is not None] or history
    return heard[-1] if settings.keep == "last" else max(heard, key=lambda row: row.validation_ua or 0.0)


def _stopped_early(history: Sequence[Epoch], settings: FitSettings) -> bool:
    # Patience runs out only where there was a look: before the next one nothing can be better.
    looked = bool(history) and history[-1].validation_ua is not None
    return looked and history[-1].epoch - _kept(history, settings).epoch >= settings.patience


def _train_epoch(
    model: keras.Model,
    dataset: Dataset,
    settings: FitSettings,
    front_end: FrontEnd,
    target: Target,
    epoch: int,
    on_step: Callable[[], None],
    replicas: Replicas | None,
) -> float:
    clips = batches(
        front_end,
        dataset,
        "train",
        batch_size=settings.batch_size,
        training=True,
        epoch=epoch,
        seed=settings.seed,
        augment=settings.augment,
        crop_seconds=settings.crop_seconds,
        target=target,
        part=replicas.part if replicas else None,
    )
    if settings.class_balance:
        weights = class_weights(dataset, target, settings.class_balance)
        clips = clips.map(lambda features, labels: (features, labels, tf.linalg.matvec(labels, weights)))
    if replicas:
        return replicas.train_epoch(clips, target.clips(dataset.split("train")), settings.batch_size, on_step)
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: on_step())  # noqa: ARG005  Keras names them
    return model.fit(clips, shuffle=False, verbose=0, callbacks=[callback]).history["loss"][0]


def class_weights(dataset: Dataset, target: Target, balance: float) -> np.ndarray:
    """How much a clip of each class counts in the loss.

    Args:
        dataset: With a side `train`.
        target: Which labels there are; clips are counted by what was acted.
        balance: See `FitSettings.class_balance`.

    Returns:
        float32 [classes]; a clip counts 1 on average.
    """
    emotions = dataset.split("train").emotions
    counts = np.array([emotions.get(label, 0) for label in target.labels], np.float64)
    weights = np.maximum(counts, 1) ** -balance
    return (weights * counts.sum() / (weights * counts).sum()).astype(np.float32)


def _compile(
    model: keras.Model, settings: FitSettings, optimizer: keras.optimizers.Optimizer, jit_compile: bool | str
) -> None:
    # Norms and biases hold no capacity worth shrinking, and a decayed gamma is a changed network.
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing)
    model.compile(optimizer, loss, jit_compile=jit_compile)
    model.optimizer.build(model.trainable_variables)


def _optimizer(
    model: keras.Model,
    settings: FitSettings,
    steps: int,
    scales: Sequence[float] | None,
    starts: Sequence[int] | None,
    team: Team | None,
) -> LayerwiseAdamW:
    return (ReplicaAdamW if team else LayerwiseAdamW)(
        _schedule(settings, steps),
        scales=scales or [1.0] * len(model.trainable_variables),
        starts=starts,
        weight_decay=settings.weight_decay,
        gradient_accumulation_steps=settings.accumulate if settings.accumulate > 1 else None,
        use_ema=settings.average > 0,
        ema_momentum=settings.average,
    )


def _schedule(settings: FitSettings, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    if settings.schedule == "constant":
        return settings.learning_rate
    warmup = round(settings.warmup_epochs * steps)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(settings.epochs * steps - warmup, 1),
        warmup_target=settings.learning_rate,
        warmup_steps=warmup,
    )


def _validation_figures(probabilities: np.ndarray, right: np.ndarray) -> dict[str, float | None]:
    """Those of an `Epoch`."""
    # Where listeners agree on none of the labels there is no right answer.
    probabilities, right = probabilities[right >= 0], right[right >= 0]
    confusion = np.zeros((probabilities.shape[1],) * 2)
    np.add.at(confusion, (right, probabilities.argmax(1)), 1)
    likelihood = np.maximum(probabilities[np.arange(len(right)), right], 1e-7)
    return {
        "validation_loss": float(-np.log(likelihood).mean()),
        "validation_wa": float(metrics.accuracy(confusion)),
        "validation_ua": float(metrics.mean_recall(confusion)),
    }
