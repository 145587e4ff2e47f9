"""Fitting a model to a prepared dataset, epoch by epoch, keeping the weights that are best on unseen speakers."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import keras
import numpy as np

from data_pipeline import datasets
from data_pipeline.augment import AugmentSettings
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.log_mel import LogMelSettings
from data_pipeline.targets import Target, truth
from training import metrics
from training.run import Run


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How a model is fitted.

    Attributes:
        epochs: Passes over the training clips at most.
        patience: Stop after so many epochs without a better UA on the validation speakers.
        batch_size: Clips a step.
        learning_rate: Peak of the schedule: linear warm-up, then a half cosine to zero.
        warmup_epochs: Length of the warm-up.
        weight_decay: Of AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101).
        label_smoothing: Share of each label spread over all classes.
        crop_seconds: At most so much of a clip is seen in a training step; evaluation hears all of it.
        seed: Of initial weights, order, dropout and augmentation.
        augment: Changes to training clips.
    """

    epochs: int = 16
    patience: int = 6
    batch_size: int = 32
    learning_rate: float = 5e-4
    warmup_epochs: float = 1.0
    weight_decay: float = 0.01
    label_smoothing: float = 0.1
    crop_seconds: float = 3.0
    seed: int = 0
    augment: AugmentSettings = field(default_factory=AugmentSettings)


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch brought; a row of `history.csv`."""

    epoch: int
    loss: float
    validation_loss: float
    validation_wa: float
    validation_ua: float
    seconds: float


class Observer:
    """What a fit tells while it runs; the command line draws progress bars from it, tests listen to it."""

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
    front_end: LogMelSettings,
    target: Target,
    observer: Observer | None = None,
) -> Epoch:
    """Fit a model of log-mels and keep the weights with the best UA on the validation side in the run folder.

    Args:
        model: From `{"log_mel", "num_frames"}` to probabilities. Changed in place: afterwards it holds the weights
            of the last epoch; `run.recogniser()` gives the best ones.
        dataset: With sides `train` and `validation`.
        run: Where weights and history go.
        settings: How to fit.
        front_end: Of the log-mels.
        target: Which labels there are and whose word is learned; the epoch is chosen by the same.
        observer: Told of the progress.

    Returns:
        The best epoch.

    Raises:
        UserError: If the dataset lacks a side, or a side clips with one of the labels; if no validation clip has one
            right answer to choose an epoch by; or if there was no epoch to keep.
    """
    observer = observer or Observer()
    steps = math.ceil(target.clips(dataset.side("train")) / settings.batch_size)
    known = datasets.descriptions(dataset, "validation", target)
    right = truth(known["label"], known["votes"], target)
    if (right < 0).all():
        raise UserError(
            f"listeners agree on one of the labels for no validation clip of {dataset.folder}, so that no epoch "
            "could be chosen: train with --labels acted"
        )
    validation = datasets.log_mels(dataset, "validation", batch_size=64, settings=front_end, target=target)
    _compile(model, settings, steps)
    best = Epoch(0, 0.0, 0.0, 0.0, -1.0, 0.0)
    for number in range(1, settings.epochs + 1):
        started = time.perf_counter()
        observer.on_epoch_begin(number, steps)
        loss = _train_epoch(model, dataset, settings, front_end, target, number - 1, observer.on_step)
        probabilities = model.predict(validation, verbose=0)
        row = _epoch_row(number, loss, probabilities, right, len(target.labels), time.perf_counter() - started)
        is_best = row.validation_ua > best.validation_ua
        if is_best:
            best = row
            run.save_model(model)
        run.append_history(asdict(row))
        observer.on_epoch_end(row, is_best)
        if number - best.epoch >= settings.patience:
            break
    if not best.epoch:
        raise UserError(f"no epoch was kept in {run.folder}: train for one epoch or more")
    return best


def _train_epoch(
    model: keras.Model,
    dataset: Dataset,
    settings: FitSettings,
    front_end: LogMelSettings,
    target: Target,
    epoch: int,
    on_step: Callable[[], None],
) -> float:
    batches = datasets.log_mels(
        dataset,
        "train",
        batch_size=settings.batch_size,
        settings=front_end,
        training=True,
        epoch=epoch,
        seed=settings.seed,
        augment=settings.augment,
        crop_seconds=settings.crop_seconds,
        target=target,
    )
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: on_step())  # noqa: ARG005  Keras names them
    return model.fit(batches, shuffle=False, verbose=0, callbacks=[callback]).history["loss"][0]


def _compile(model: keras.Model, settings: FitSettings, steps: int) -> None:
    warmup = round(settings.warmup_epochs * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(settings.epochs * steps - warmup, 1),
        warmup_target=settings.learning_rate,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=settings.weight_decay)
    # Norms and biases hold no capacity worth shrinking, and a decayed gamma is a changed network.
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing))


def _epoch_row(
    number: int, loss: float, probabilities: np.ndarray, right: np.ndarray, classes: int, seconds: float
) -> Epoch:
    # Where listeners agree on none of the labels there is no right answer.
    probabilities, right = probabilities[right >= 0], right[right >= 0]
    confusion = np.zeros((classes, classes))
    np.add.at(confusion, (right, probabilities.argmax(1)), 1)
    likelihood = np.maximum(probabilities[np.arange(len(right)), right], 1e-7)
    return Epoch(
        epoch=number,
        loss=float(loss),
        validation_loss=float(-np.log(likelihood).mean()),
        validation_wa=float(metrics.accuracy(confusion)),
        validation_ua=float(metrics.mean_recall(confusion)),
        seconds=round(seconds, 2),
    )
