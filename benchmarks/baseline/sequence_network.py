"""A small convolutional network on the frames of a clip."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

_BATCH = 32

_CHANNELS = (64, 96, 128)

_LONGEST = 600
"""Largest number of frames of a clip that are used, 6 s."""

_GRID = 64
"""The length of a batch in frames is a multiple of this, so that few graphs are traced."""


class SequenceNetwork:
    """Three strided convolutions, mean and standard deviation over time, and a softmax; 100,000 weights.

    Frames are standardised with the mean and standard deviation of the fitting set. Frames behind a clip's end are left
    out of the statistics.

    Args:
        epochs: Number of passes over the fitting set.
        seed: Seed of the weights, of dropout and of the order of clips.
    """

    def __init__(self, epochs: int, seed: int) -> None:
        self._epochs = epochs
        self._seed = seed

    def fit(self, values: np.ndarray, classes: np.ndarray) -> "SequenceNetwork":
        """Fit to object [clips], each float [frames, features], and int [clips]."""
        import keras

        self.classes_, index = np.unique(classes, return_inverse=True)
        frames = np.concatenate(list(values))
        self._mean, scale = frames.mean(0, dtype=np.float64), frames.std(0, dtype=np.float64)
        self._scale = np.where(scale > 1e-6, scale, 1.0)
        keras.utils.set_random_seed(self._seed)
        self._model = _network(frames.shape[1], len(self.classes_))
        steps = self._epochs * -(-len(values) // _BATCH)
        rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=2e-3, warmup_steps=max(1, steps // 10))
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
        self._model.compile(keras.optimizers.AdamW(rate, weight_decay=1e-2), loss)
        random = np.random.default_rng(self._seed)
        targets = np.eye(len(self.classes_), dtype=np.float32)[index]
        for _ in range(self._epochs):
            for rows in _batches(values, random):
                self._model.train_on_batch(self._padded(values[rows]), targets[rows])
        return self

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        """Probabilities, float [clips, classes]."""
        answers = np.zeros((len(values), len(self.classes_)), np.float32)
        for rows in _batches(values, None):
            answers[rows] = self._model.predict_on_batch(self._padded(values[rows]))
        return answers

    def save(self, folder: Path) -> None:
        """Make a folder with `network.keras` and the statistics by which frames are standardised."""
        folder.mkdir()
        self._model.save(folder / "network.keras")
        np.savez(folder / "standard.npz", mean=self._mean, scale=self._scale, classes=self.classes_)

    @classmethod
    def load(cls, folder: Path) -> "SequenceNetwork":
        """Read what `save` wrote."""
        import keras

        network = cls(0, 0)
        network._model = keras.saving.load_model(folder / "network.keras", compile=False)
        with np.load(folder / "standard.npz", allow_pickle=False) as file:
            network._mean, network._scale, network.classes_ = file["mean"], file["scale"], file["classes"]
        return network

    def _padded(self, clips: np.ndarray) -> list[np.ndarray]:
        """float32 [batch, frames, features] and the mask, float32 [batch, frames, 1]."""
        longest = min(_LONGEST, max(map(len, clips)))
        shape = (len(clips), -(-longest // _GRID) * _GRID)
        frames = np.zeros((*shape, clips[0].shape[1]), np.float32)
        mask = np.zeros((*shape, 1), np.float32)
        for row, clip in enumerate(clips):
            used = clip[:longest]
            frames[row, : len(used)] = (used - self._mean) / self._scale
            mask[row, : len(used)] = 1
        return [frames, mask]


def _batches(values: np.ndarray, random: np.random.Generator | None) -> Iterator[np.ndarray]:
    """Rows of batches of clips of similar lengths; with a generator, in random order and less similar."""
    lengths = np.array([len(clip) for clip in values], np.float64)
    if random is None:
        order = np.argsort(lengths, kind="stable")
        yield from (order[start : start + _BATCH] for start in range(0, len(order), _BATCH))
        return
    order = np.argsort(lengths * random.uniform(0.8, 1.25, len(lengths)))
    batches = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
    yield from (batches[number] for number in random.permutation(len(batches)))


def _network(features: int, classes: int) -> Any:
    import keras

    frames = keras.Input((None, features), name="frames")
    mask = keras.Input((None, 1), name="mask")
    hidden, part = keras.layers.SpatialDropout1D(0.1)(frames), mask
    for channels in _CHANNELS:
        hidden = keras.layers.Conv1D(channels, 5, strides=2, padding="same", use_bias=False)(hidden)
        hidden = keras.layers.BatchNormalization()(hidden)
        hidden = keras.layers.Activation("relu")(hidden)
        part = keras.layers.MaxPooling1D(2, padding="same")(part)
        hidden = keras.layers.Multiply()([hidden, part])
    count = keras.ops.sum(part, axis=1)
    mean = keras.ops.sum(hidden, axis=1) / count
    squares = keras.ops.sum(keras.ops.square(hidden), axis=1) / count
    spread = keras.ops.sqrt(keras.ops.maximum(squares - keras.ops.square(mean), 1e-5))
    pooled = keras.layers.Dropout(0.4)(keras.layers.Concatenate()([mean, spread]))
    return keras.Model([frames, mask], keras.layers.Dense(classes, activation="softmax")(pooled))
