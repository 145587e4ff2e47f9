"""tf.data pipelines of batches: raw waveforms or log-mel spectrograms, with true lengths and one-hot labels.

With `training`, an epoch's batches are shuffled and augmented, and are a pure function of (dataset, seed, epoch): no
random state outlives an epoch, so that a job which starts again at epoch 7 sees what it would have seen.
"""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from data_pipeline.augment import AugmentSettings, mask_spectrogram, mixup, random_crop, random_gain
from data_pipeline.dataset import Dataset
from data_pipeline.decode import SAMPLE_RATE
from data_pipeline.log_mel import LogMelSettings, log_mel, num_frames
from data_pipeline.records import parse

_SHUFFLE_BUFFER = 2_048
"""Utterances; about 160 MB of waveforms of 2.5 s. Shards are mixed at preparation, so a partial shuffle is enough."""


def waveforms(
    dataset: Dataset,
    split: str,
    *,
    batch_size: int,
    training: bool = False,
    epoch: int = 0,
    seed: int = 0,
    augment: AugmentSettings | None = None,
    crop_seconds: float | None = None,
) -> tf.data.Dataset:
    """Batches of raw waveforms.

    Args:
        dataset: A prepared dataset.
        split: Which side of it.
        batch_size: Clips a batch; the last batch may be smaller.
        training: Shuffle, and apply crop and `augment`. Without it, order is that of the records.
        epoch: Together with `seed`, decides the order and every random change.
        seed: See `epoch`.
        augment: Shift and gain to apply while training; None for none.
        crop_seconds: While training, at most so much of each clip; None for whole clips.

    Returns:
        Elements `({"waveform": float32 [batch, samples], "num_samples": int32 [batch]}, float32 [batch, classes])`,
        16 kHz, padded with zeros to the longest of the batch.

    Raises:
        UserError: If the dataset has no such split.
    """
    utterances = _utterances(dataset, split, training, epoch, seed)
    change = _waveform_augmentation(augment, crop_seconds) if training else None
    utterances = utterances.map(_labelled(dataset, change), tf.data.AUTOTUNE)

    def to_features(waveform, label, _):
        return {"waveform": waveform, "num_samples": tf.size(waveform)}, label

    return _finish(utterances.map(to_features).padded_batch(batch_size), dataset, split, batch_size)


def log_mels(
    dataset: Dataset,
    split: str,
    *,
    batch_size: int,
    settings: LogMelSettings,
    training: bool = False,
    epoch: int = 0,
    seed: int = 0,
    augment: AugmentSettings | None = None,
    crop_seconds: float | None = None,
) -> tf.data.Dataset:
    """Batches of log-mel spectrograms.

    Args:
        dataset: See `waveforms`, as for the other arguments.
        split: See there.
        batch_size: See there.
        settings: Of the spectrogram.
        training: See there; also applies SpecAugment's masks and mixup.
        epoch: See there.
        seed: See there.
        augment: What to change while training; None for nothing.
        crop_seconds: See there.

    Returns:
        Elements `({"log_mel": float32 [batch, frames, bands], "num_frames": int32 [batch]},
        float32 [batch, classes])`, padded with the value of silence to the longest of the batch.

    Raises:
        UserError: If the dataset has no such split.
    """
    utterances = _utterances(dataset, split, training, epoch, seed)
    change = _waveform_augmentation(augment, crop_seconds) if training else None
    masks = augment if training and augment and (augment.band_masks or augment.frame_masks) else None
    labelled = _labelled(dataset, change)

    def to_features(utterance, seed):
        waveform, label, seed = labelled(utterance, seed)
        spectrogram = log_mel(waveform, settings)
        if masks:
            spectrogram = mask_spectrogram(spectrogram, masks, tf.random.fold_in(seed, 2))
        return {"log_mel": spectrogram, "num_frames": num_frames(tf.size(waveform), settings)}, label

    features = utterances.map(to_features, tf.data.AUTOTUNE)
    shapes = ({"log_mel": [None, settings.num_bands], "num_frames": []}, [len(dataset.labels)])
    padding = ({"log_mel": settings.floor, "num_frames": 0}, 0.0)
    batches = features.padded_batch(batch_size, shapes, padding)
    if training and augment and augment.mixup:
        seeds = tf.data.Dataset.range(2**31 - 1).map(lambda index: _seed(seed, epoch, index, stream=1))
        batches = tf.data.Dataset.zip(batches, seeds).map(
            lambda batch, batch_seed: mixup(batch[0], batch[1], augment.mixup, batch_seed), tf.data.AUTOTUNE
        )
    return _finish(batches, dataset, split, batch_size)


def descriptions(dataset: Dataset, split: str) -> dict[str, np.ndarray]:
    """What is known of each clip of a split, in the order of its batches without `training`.

    Args:
        dataset: A prepared dataset.
        split: Which side of it.

    Returns:
        One array [clips] a field: `label`, the emotion's index in `dataset.labels`; `name`, `corpus`, `speaker` (as
        `corpus/speaker`), `emotion`, `intensity`, `sentence`, `sex`, `race`, `ethnicity` of strings; `age` (-1 where
        unknown) and `num_samples` of integers. `votes` is [clips, classes].

    Raises:
        UserError: If the dataset has no such split.
    """
    records = _records(dataset, split).map(_description, tf.data.AUTOTUNE).batch(1_024)
    parts = list(records.as_numpy_iterator())
    fields = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    described: dict[str, np.ndarray] = {
        key: np.char.decode(values.astype(bytes)) if values.dtype == object else values
        for key, values in fields.items()
    }
    order = np.argsort(dataset.labels)
    label = order[np.searchsorted(dataset.labels, described["emotion"], sorter=order)]
    return {**described, "label": label}


def _finish(batches: tf.data.Dataset, dataset: Dataset, split: str, batch_size: int) -> tf.data.Dataset:
    """Say how many batches there are, which lets Keras and progress bars know the end, and make them ahead."""
    count = math.ceil(dataset.side(split).clips / batch_size)
    return batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(tf.data.AUTOTUNE)


def _description(record: tf.Tensor) -> dict[str, tf.Tensor]:
    utterance = parse(record)
    del utterance["waveform"]
    return {**utterance, "speaker": tf.strings.join([utterance["corpus"], utterance["speaker"]], "/")}


def _records(dataset: Dataset, split: str) -> tf.data.Dataset:
    shards = [str(dataset.folder / shard) for shard in dataset.side(split).shards]
    return tf.data.TFRecordDataset(shards)


def _utterances(dataset: Dataset, split: str, training: bool, epoch: int, seed: int) -> tf.data.Dataset:
    """Parsed records with a seed each; in training shuffled, shards first, then within a buffer."""
    if not training:
        records = _records(dataset, split)
    else:
        shards = [str(dataset.folder / shard) for shard in dataset.side(split).shards]
        order = np.random.default_rng([seed, epoch]).permutation(len(shards))
        files = tf.data.Dataset.from_tensor_slices([shards[index] for index in order])
        records = files.interleave(
            tf.data.TFRecordDataset, cycle_length=4, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )
        shuffle_seed = int(np.random.default_rng([seed, epoch, 1]).integers(2**31))
        records = records.shuffle(_SHUFFLE_BUFFER, seed=shuffle_seed, reshuffle_each_iteration=False)
    return records.enumerate().map(
        lambda index, record: (parse(record), _seed(seed, epoch, index, stream=0)), tf.data.AUTOTUNE
    )


def _seed(seed: int, epoch: int, index: tf.Tensor, stream: int) -> tf.Tensor:
    """A stateless seed of its own for each (seed, epoch, index); streams keep clips and batches apart."""
    folded = tf.random.fold_in(tf.constant([seed, stream], tf.int32), tf.constant(epoch, tf.int32))
    return tf.random.fold_in(folded, tf.cast(index, tf.int32))


def _waveform_augmentation(augment: AugmentSettings | None, crop_seconds: float | None) -> Callable:
    """A function from (waveform, seed) to the waveform a training step will see."""
    length = round(crop_seconds * SAMPLE_RATE) if crop_seconds else None
    shift = round(augment.shift * SAMPLE_RATE) if augment else 0

    def change(waveform: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        if length or shift:
            whole = tf.size(waveform) + shift
            waveform = random_crop(waveform, length or whole, shift, tf.random.fold_in(seed, 0))
        if augment and augment.gain:
            waveform = random_gain(waveform, augment.gain, tf.random.fold_in(seed, 1))
        return waveform

    return change


def _labelled(dataset: Dataset, change: Callable | None) -> Callable:
    """A function from (utterance, seed) to (waveform, one-hot label, seed)."""
    labels = tf.constant(list(dataset.labels))

    def label(utterance: dict[str, tf.Tensor], seed: tf.Tensor):
        waveform = utterance["waveform"]
        one_hot = tf.cast(labels == utterance["emotion"], tf.float32)
        return (change(waveform, seed) if change else waveform), one_hot, seed

    return label
