"""The training loop: epochs, validation on unseen speakers, and which weights are kept."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

import keras
import numpy as np
import tensorflow as tf

from data_pipeline import input_pipeline
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.targets import Target, truth
from training.distributed import Replicas, Team, scope
from training.evaluation import metrics
from training.families.family import LearningRates
from training.families.recipe import FitSettings
from training.fitting.adamw import LayerwiseAdamW, ReplicaAdamW, averaged_weights
from training.fitting.observer import Epoch, Observer
from training.fitting.state import TrainingState
from training.front_end import FrontEnd
from training.run.folder import Run

_VALIDATION_BATCH = 64

_NOT_EVALUATED: dict[str, float | None] = {"validation_loss": None, "validation_wa": None, "validation_ua": None}


def fit(
    model: keras.Model,
    dataset: Dataset,
    run: Run,
    settings: FitSettings,
    front_end: FrontEnd,
    target: Target,
    observer: Observer | None = None,
    whole: keras.Model | None = None,
    rates: LearningRates | None = None,
    jit_compile: bool | str = "auto",
    team: Team | None = None,
) -> Epoch:
    """Fit a model and keep the weights of one epoch in the run folder: of the one with the best UA on the validation
    split, or of the last one.

    If the run folder holds the state of the same training, interrupted, the training continues after its last complete
    epoch. It ends with the same weights as without the interruption.

    Args:
        model: From what the front end gives to probabilities. Changed in place: afterwards it has the weights of the
            last epoch; `run.recogniser()` has those that are kept.
        dataset: With the splits `train` and `validation`.
        run: The run folder, which gets weights and history.
        settings: How the model is fitted.
        front_end: What the model receives of a clip.
        target: The labels that are learned, by which the epoch is chosen as well.
        observer: Receives progress events.
        whole: The model that is kept, of which `model` may be a part that shares its weights. Defaults to `model`.
        rates: How fast each weight learns, and when it starts. Defaults to the same for all, from the start.
        jit_compile: See `keras.Model.compile`. `settings.jit` overrides it.
        team: Replicas that learn together, in whose scope the model was made. None for a single model. A batch is
            divided among the replicas. Only the chief writes the run folder, and all continue from its state.

    Returns:
        The epoch whose weights were kept.

    Raises:
        UserError: If the dataset lacks a split, or a split has no clip with one of the labels; if no validation clip
            has a right answer, by which the epoch is chosen; or if the replicas of a team cannot be
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
    validation = front_end.batches(
        dataset,
        "validation",
        batch_size=_VALIDATION_BATCH,
        target=target,
        part=team.part if team else None,
    )
    changes = steps / settings.accumulate  # of the weights, in an epoch
    rates = rates or LearningRates()
    starts = [round(delay * changes) for delay in rates.delays] if rates.delays is not None else None
    with scope(team):
        optimizer = _optimizer(model, settings, steps, rates.scales, starts, team)
        _compile(model, settings, optimizer, jit_compile if settings.jit is None else settings.jit)
    replicas = Replicas(model, team, front_end.padding()) if team else None
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
            evaluated = number % settings.validate_every == 0 or number == settings.epochs
            figures = _validation_figures(answers(), right) if evaluated else _NOT_EVALUATED
            row = Epoch(number, float(loss), **figures, seconds=round(time.perf_counter() - started, 2))
            history.append(row)
            if evaluated and run.kept_here and _kept(history, settings) is row:
                run.save_model(whole or model)
        if run.kept_here:
            rows = [asdict(epoch) for epoch in history]
            # Last: what is interrupted before this is done again, with the same result.
            run.write_history(rows)
            TrainingState.of(model, rows).write(run.state_file)
        observer.on_epoch_end(row, evaluated and _kept(history, settings) is row)
    if run.kept_here:
        run.state_file.unlink(missing_ok=True)
    return _kept(history, settings)


def _begin(model: keras.Model, run: Run) -> list[Epoch]:
    """Restore the state of an interrupted training, or write the state before the first epoch.

    Returns:
        The complete epochs.
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
    """Give the model the chief's state; returns the epochs that the chief has completed."""
    rows = json.loads(team.broadcast_text(json.dumps([asdict(row) for row in history])))
    variables = team.broadcast(TrainingState.of(model, rows).variables)
    TrainingState(tuple(variables), rows).restore(model)
    return [Epoch(**row) for row in rows]


def _kept(history: Sequence[Epoch], settings: FitSettings) -> Epoch:
    """The epoch that is kept: the last one, or the first one with the highest UA, of the evaluated ones if any."""
    rows = [row for row in history if row.validation_ua is not None] or history
    return rows[-1] if settings.keep == "last" else max(rows, key=lambda row: row.validation_ua or 0.0)


def _stopped_early(history: Sequence[Epoch], settings: FitSettings) -> bool:
    # Patience counts at evaluations only: between them, no epoch can be better.
    evaluated = bool(history) and history[-1].validation_ua is not None
    return evaluated and history[-1].epoch - _kept(history, settings).epoch >= settings.patience


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
    clips = front_end.batches(
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
    """The weight of each class in the loss.

    Args:
        dataset: With a split `train`.
        target: The labels. Clips are counted by their acted emotion.
        balance: See `FitSettings.class_balance`.

    Returns:
        float32 [classes]; the mean weight over the clips is 1.
    """
    emotions = dataset.split("train").emotions
    counts = np.array([emotions.get(label, 0) for label in target.labels], np.float64)
    weights = np.maximum(counts, 1) ** -balance
    return (weights * counts.sum() / (weights * counts).sum()).astype(np.float32)


def _compile(
    model: keras.Model, settings: FitSettings, optimizer: keras.optimizers.Optimizer, jit_compile: bool | str
) -> None:
    # Decay would not regularise norms and biases, and a decayed gamma changes the network.
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
    """The figures of an `Epoch` on the validation split."""
    # A clip whose listeners agree on none of the labels has no right answer.
    probabilities, right = probabilities[right >= 0], right[right >= 0]
    confusion = np.zeros((probabilities.shape[1],) * 2)
    np.add.at(confusion, (right, probabilities.argmax(1)), 1)
    likelihood = np.maximum(probabilities[np.arange(len(right)), right], 1e-7)
    return {
        "validation_loss": float(-np.log(likelihood).mean()),
        "validation_wa": float(metrics.accuracy(confusion)),
        "validation_ua": float(metrics.mean_recall(confusion)),
    }
