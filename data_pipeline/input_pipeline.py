"""tf.data pipelines of batches: raw waveforms or log-mel spectrograms, with true lengths and labels.

With `training`, the batches of an epoch are shuffled and augmented, and are a pure function of (dataset, seed, epoch).
No random state outlives an epoch, so a job that is resumed at epoch 7 sees the batches that it would have seen.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from data_pipeline.audio.log_mel import LogMelSettings, log_mel, num_frames
from data_pipeline.audio.telephone import TelephoneSettings, telephone
from data_pipeline.augment import AugmentSettings
from data_pipeline.augment.spectrograms import mask_spectrogram, mixup
from data_pipeline.augment.waveform_chain import Change, waveform_chain
from data_pipeline.batch_part import BatchPart, PartedBatches
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.label_distribution import has_label, label_distribution
from data_pipeline.records.damage import damage_named
from data_pipeline.records.parsing import parse, parse_emotion
from data_pipeline.targets import Target

_BATCHES_AHEAD = 4

_SHUFFLE_BUFFER = 2_048
"""Number of utterances; about 160 MB of waveforms of 2.5 s. Shards are mixed at preparation, so a partial shuffle is
enough."""

_MASKS, _CHANNEL = 2, 7
"""Numbers that make seeds of their own; the changes of the waveform fold other numbers into the seed of a clip."""


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
    target: Target | None = None,
    channel: TelephoneSettings | None = None,
    multiple: int = 1,
    part: BatchPart | None = None,
    copy: int | None = None,
) -> tf.data.Dataset:
    """Batches of raw waveforms.

    Args:
        dataset: A prepared dataset.
        split: Name of the split.
        batch_size: Number of clips of a batch; the last batch may be smaller.
        training: Whether to shuffle and to apply crop and `augment`; without it, clips have the order of the records.
        epoch: Number of the epoch; with `seed` it decides the order and every random change.
        seed: Seed of the run.
        augment: Changes to waveforms in training; None for none.
        crop_seconds: Longest crop of each clip in training, in seconds; None for whole clips.
        target: What is learned; by default the acted emotion among the six of `LABELS`. Clips with other emotions are
            left out.
        channel: Telephone channel that every clip goes through, in training after all changes; None for none.
        multiple: Batches are padded to a multiple of this number of samples.
        part: Rows of each batch to compute. They are equal to those of the whole batch, but padded to the longest
            among them. None for all rows.
        copy: With a number, clips have the order of the records, and the number, the seed and the clip's name alone
            decide its random changes: the same clip is then the same in every dataset that holds it. `epoch` has no
            effect.

    Returns:
        Elements `({"waveform": float32 [batch, samples], "num_samples": int32 [batch]}, float32 [batch, classes])`,
        16 kHz, padded with zeros to the longest clip of the batch and to `multiple`.

    Raises:
        UserError: If the dataset has no such split, or the split no clip with one of the labels.
    """
    target = target or Target()
    _check_clips(dataset, split, target)
    by_name = copy is not None
    changes = _changes(augment, crop_seconds, channel, training or by_name)
    load = _clip_loader(target, changes, epoch if copy is None else copy, seed, by_name)

    def to_features(index, record):
        waveform, label, _ = load(index, record)
        return {"waveform": waveform, "num_samples": tf.size(waveform)}, label

    shuffled = training and not by_name
    records = _shuffled(dataset, split, epoch, seed, target) if shuffled else _records(dataset, split, target)
    shapes = ({"waveform": [None], "num_samples": []}, [len(target.labels)])
    parted = _parted(part, dataset, split, batch_size, target, neighbours=False)
    batches = _batched(records, to_features, batch_size, shapes, None, parted)
    if multiple > 1:
        batches = batches.map(lambda inputs, labels: (_padded(inputs, multiple), labels), tf.data.AUTOTUNE)
    return _finish(batches, dataset, split, batch_size, target)


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
    target: Target | None = None,
    channel: TelephoneSettings | None = None,
    part: BatchPart | None = None,
) -> tf.data.Dataset:
    """Batches of log-mel spectrograms.

    Args:
        dataset: See `waveforms`.
        split: See `waveforms`.
        batch_size: See `waveforms`.
        settings: Settings of the spectrogram.
        training: See `waveforms`; SpecAugment's masks and mixup are applied, too.
        epoch: See `waveforms`.
        seed: See `waveforms`.
        augment: Changes in training; None for none.
        crop_seconds: See `waveforms`.
        target: See `waveforms`.
        channel: See `waveforms`.
        part: See `waveforms`; with mixup, one more row is read.

    Returns:
        Elements `({"log_mel": float32 [batch, frames, bands], "num_frames": int32 [batch]},
        float32 [batch, classes])`, padded with the value of silence to the longest clip of the batch.

    Raises:
        UserError: See `waveforms`.
    """
    target = target or Target()
    _check_clips(dataset, split, target)
    load = _clip_loader(target, _changes(augment, crop_seconds, channel, training), epoch, seed)
    masks = augment if training and augment and (augment.band_masks or augment.frame_masks) else None

    def to_features(index, record):
        waveform, label, clip_seed = load(index, record)
        spectrogram = log_mel(waveform, settings)
        if masks:
            spectrogram = mask_spectrogram(spectrogram, masks, tf.random.fold_in(clip_seed, _MASKS))
        return {"log_mel": spectrogram, "num_frames": num_frames(tf.size(waveform), settings)}, label

    records = _shuffled(dataset, split, epoch, seed, target) if training else _records(dataset, split, target)
    shapes = ({"log_mel": [None, settings.num_bands], "num_frames": []}, [len(target.labels)])
    padding = ({"log_mel": settings.floor, "num_frames": 0}, 0.0)
    strength = augment.mixup if training and augment else 0.0
    parted = _parted(part, dataset, split, batch_size, target, neighbours=strength > 0)
    batches = _batched(records, to_features, batch_size, shapes, padding, parted)
    if strength:

        def mixed(number, batch):
            features, labels = batch
            rows = parted.rows(number) if parted else None
            return mixup(features, labels, strength, _seed(seed, epoch, number, stream=1), rows)

        batches = batches.enumerate().map(mixed, tf.data.AUTOTUNE)
    return _finish(batches, dataset, split, batch_size, target)


def descriptions(dataset: Dataset, split: str, target: Target | None = None) -> dict[str, np.ndarray]:
    """The description of each clip of a split, in the order of its batches without `training`.

    Args:
        dataset: A prepared dataset.
        split: Name of the split.
        target: Clips with none of its labels are left out; by default the six of `LABELS`.

    Returns:
        One array [clips] per field: `label`, the index of the acted emotion in the labels; `name`, `corpus`,
        `speaker` (as `corpus/speaker`), `emotion`, `intensity`, `sentence`, `repetition`, `sex`, `race`, `ethnicity`
        of strings; `age` (-1 where unknown), `speaker_known` (0 or 1) and `num_samples` of integers. `votes` is
        [clips, emotions], in the order of `EMOTIONS`.

    Raises:
        UserError: See `waveforms`.
    """
    target = target or Target()
    _check_clips(dataset, split, target)
    records = _records(dataset, split, target).map(_description, tf.data.AUTOTUNE).batch(1_024)
    with damage_named(dataset):
        parts = list(records.as_numpy_iterator())
    fields = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    described: dict[str, np.ndarray] = {
        key: np.char.decode(values.astype(bytes)) if values.dtype == object else values
        for key, values in fields.items()
    }
    return {**described, "label": target.indices(described["emotion"])}


def without_votes(dataset: Dataset, split: str, target: Target) -> int:
    """Number of clips of a split without votes, which count as acted although votes are learned.

    Args:
        dataset: A prepared dataset.
        split: Name of the split.
        target: Only clips with its labels are counted.

    Returns:
        The number of clips; 0 where the acted emotion is learned.

    Raises:
        UserError: If votes are learned and no clip has any; also see `waveforms`.
    """
    if not target.learns_votes:
        return 0
    _check_clips(dataset, split, target)
    counted = dataset.split(split)
    voted = counted.voted
    if voted and target.outside(counted):
        # The count of the split includes the clips that are left out.
        voted = int(descriptions(dataset, split, target)["votes"].any(axis=1).sum())
    if not voted:
        raise UserError(
            f"no {split} clip of {dataset.folder} labelled {', '.join(target.labels)} has listeners' votes: "
            "choose --labels acted" + (" --votes-share 0" if target.votes_share else "")
        )
    return target.clips(counted) - voted


def _check_clips(dataset: Dataset, split: str, target: Target) -> None:
    if not target.clips(dataset.split(split)):
        raise UserError(
            f"no {split} clip of {dataset.folder} is labelled {', '.join(target.labels)}; "
            f"its emotions are {', '.join(dataset.emotions)}"
        )


def _parted(
    part: BatchPart | None, dataset: Dataset, split: str, batch_size: int, target: Target, neighbours: bool
) -> PartedBatches | None:
    return PartedBatches(part, target.clips(dataset.split(split)), batch_size, neighbours) if part else None


def _batched(
    records: tf.data.Dataset, to_features: Callable, batch_size: int, shapes, padding, parted: PartedBatches | None
) -> tf.data.Dataset:
    """Records as padded batches of features; with `parted`, only the rows of this process."""
    numbered = records.enumerate()
    if parted is None:
        return numbered.map(to_features, tf.data.AUTOTUNE).padded_batch(batch_size, shapes, padding)
    # Filtered before they are parsed, so that clips of other processes cost no more than reading.
    mine = numbered.filter(lambda index, _: parted.includes(index))
    clips = mine.map(lambda index, record: (index, to_features(index, record)), tf.data.AUTOTUNE)
    return parted.join(clips, shapes, padding)


def _padded(inputs: dict[str, tf.Tensor], multiple: int) -> dict[str, tf.Tensor]:
    waveform = inputs["waveform"]
    return {**inputs, "waveform": tf.pad(waveform, [[0, 0], [0, -tf.shape(waveform)[1] % multiple]])}


def _finish(batches: tf.data.Dataset, dataset: Dataset, split: str, batch_size: int, target: Target) -> tf.data.Dataset:
    """State the number of batches, which Keras and progress bars need, and compute batches ahead.

    Autotuning is off. Its thread sleeps for 10 ms, then for 20, 40 and so on, and deleting an iterator often waits
    until the thread wakes: a pass of 42 s took 82 s. Without autotuning every parallel step has a thread per core.
    """
    count = math.ceil(target.clips(dataset.split(split)) / batch_size)
    options = tf.data.Options()
    options.autotune.enabled = False
    ahead = batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(_BATCHES_AHEAD)
    return ahead.with_options(options)


def _description(record: tf.Tensor) -> dict[str, tf.Tensor]:
    utterance = parse(record)
    del utterance["waveform"]
    return {**utterance, "speaker": tf.strings.join([utterance["corpus"], utterance["speaker"]], "/")}


def _records(dataset: Dataset, split: str, target: Target) -> tf.data.Dataset:
    shards = [str(dataset.folder / shard) for shard in dataset.split(split).shards]
    return _of_target(tf.data.TFRecordDataset(shards), dataset, split, target)


def _of_target(records: tf.data.Dataset, dataset: Dataset, split: str, target: Target) -> tf.data.Dataset:
    if not target.outside(dataset.split(split)):
        return records
    return records.filter(lambda record: has_label(parse_emotion(record), target))


def _shuffled(dataset: Dataset, split: str, epoch: int, seed: int, target: Target) -> tf.data.Dataset:
    """Records in the order of an epoch: shards are shuffled, then records within a buffer."""
    shards = [str(dataset.folder / shard) for shard in dataset.split(split).shards]
    order = np.random.default_rng([seed, epoch]).permutation(len(shards))
    files = tf.data.Dataset.from_tensor_slices([shards[index] for index in order])
    records = files.interleave(
        tf.data.TFRecordDataset, cycle_length=4, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    shuffle_seed = int(np.random.default_rng([seed, epoch, 1]).integers(2**31))
    records = _of_target(records, dataset, split, target)
    return records.shuffle(_SHUFFLE_BUFFER, seed=shuffle_seed, reshuffle_each_iteration=False)


def _seed(seed: int, epoch: int, index: tf.Tensor, stream: int) -> tf.Tensor:
    """A stateless seed for each (seed, epoch, index); clips, batches and copies have different streams."""
    folded = tf.random.fold_in(tf.constant([seed, stream], tf.int32), tf.constant(epoch, tf.int32))
    return tf.random.fold_in(folded, tf.cast(index, tf.int32))


def _number_of(utterance: dict[str, tf.Tensor]) -> tf.Tensor:
    """A number of a clip that does not depend on the dataset that it is in."""
    name = tf.strings.join([utterance["corpus"], utterance["name"]], "/")
    return tf.strings.to_hash_bucket_fast(name, 2**31 - 1)


def _changes(
    augment: AugmentSettings | None, crop_seconds: float | None, channel: TelephoneSettings | None, training: bool
) -> list[Change]:
    """Changes of every waveform, in order."""
    changes = [waveform_chain(augment, crop_seconds)] if training else []
    if channel:
        changes.append(lambda waveform, seed: telephone(waveform, channel, tf.random.fold_in(seed, _CHANNEL)))
    return changes


def _clip_loader(target: Target, changes: Sequence[Change], epoch: int, seed: int, by_name: bool = False) -> Callable:
    """A function from (index, record) to (waveform, label distribution, seed of the clip).

    It is a part of the one function that computes features, not a step of the pipeline: a step costs about as much as
    parsing, and a seed that is not used is then never computed.
    """

    def load(index: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        utterance = parse(record)
        number = _number_of(utterance) if by_name else index
        clip_seed = _seed(seed, epoch, number, stream=2 if by_name else 0)
        waveform = utterance["waveform"]
        for change in changes:
            waveform = change(waveform, clip_seed)
        return waveform, label_distribution(utterance["emotion"], utterance["votes"], target), clip_seed

    return load
