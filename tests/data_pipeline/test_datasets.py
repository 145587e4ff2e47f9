import numpy as np
import pytest

from data_pipeline import datasets
from data_pipeline.augment import AugmentSettings
from data_pipeline.errors import UserError
from data_pipeline.log_mel import LogMelSettings, log_mel, num_frames
from tests.data_pipeline.prepared import write_dataset

SETTINGS = LogMelSettings()
AUGMENT = AugmentSettings()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("dataset"))


def collect(batches):
    return [({key: value.numpy() for key, value in features.items()}, labels.numpy()) for features, labels in batches]


def training(dataset, **changes):
    arguments = {
        "batch_size": 8,
        "settings": SETTINGS,
        "training": True,
        "augment": AUGMENT,
        "crop_seconds": 0.5,
    }
    return collect(datasets.log_mels(dataset, "train", **(arguments | changes)))


def test_waveforms_are_whole_padded_with_zeros_and_of_true_length(dataset):
    batches = collect(datasets.waveforms(dataset, "validation", batch_size=7))
    assert [len(labels) for _, labels in batches] == [7, 7, 4]
    known = datasets.descriptions(dataset, "validation")
    assert (
        np.concatenate([features["num_samples"] for features, _ in batches]).tolist() == known["num_samples"].tolist()
    )
    for features, _ in batches:
        assert features["waveform"].shape[1] == features["num_samples"].max()
        for waveform, length in zip(features["waveform"], features["num_samples"], strict=True):
            assert np.abs(waveform[:length]).max() > 0.05
            assert not waveform[length:].any()


def test_labels_are_one_hot_in_the_order_of_the_records(dataset):
    labels = np.concatenate([labels for _, labels in datasets.waveforms(dataset, "validation", batch_size=5)])
    known = datasets.descriptions(dataset, "validation")
    assert labels.sum(1).tolist() == [1.0] * 18
    assert [dataset.labels[index] for index in labels.argmax(1)] == known["emotion"].tolist()


def test_log_mels_are_those_of_the_waveforms(dataset):
    [(waves, _)] = collect(datasets.waveforms(dataset, "validation", batch_size=18))
    [(features, _)] = collect(datasets.log_mels(dataset, "validation", batch_size=18, settings=SETTINGS))
    for index, length in enumerate(waves["num_samples"]):
        frames = num_frames(int(length), SETTINGS)
        alone = log_mel(waves["waveform"][index, :length], SETTINGS).numpy()
        assert features["num_frames"][index] == frames
        np.testing.assert_allclose(features["log_mel"][index, :frames], alone, atol=1e-5)
        np.testing.assert_allclose(features["log_mel"][index, frames:], SETTINGS.floor, atol=1e-6)


def test_an_epoch_is_a_function_of_its_seed_and_number(dataset):
    first, again = training(dataset, epoch=3, seed=5), training(dataset, epoch=3, seed=5)
    for (features, labels), (same_features, same_labels) in zip(first, again, strict=True):
        np.testing.assert_array_equal(features["log_mel"], same_features["log_mel"])
        np.testing.assert_array_equal(labels, same_labels)
    for other in (training(dataset, epoch=4, seed=5), training(dataset, epoch=3, seed=6)):
        assert not np.array_equal(first[0][1], other[0][1])


def test_every_training_clip_is_seen_once_an_epoch(dataset):
    batches = collect(datasets.waveforms(dataset, "train", batch_size=8, training=True, epoch=2))
    lengths = sorted(np.concatenate([features["num_samples"] for features, _ in batches]))
    assert lengths == sorted(datasets.descriptions(dataset, "train")["num_samples"])


def test_training_crops_masks_and_mixes(dataset):
    batches = training(dataset)
    assert max(features["log_mel"].shape[1] for features, _ in batches) <= num_frames(8_000, SETTINGS)
    labels = np.concatenate([labels for _, labels in batches])
    np.testing.assert_allclose(labels.sum(1), 1, atol=1e-5)
    assert ((labels > 0.01) & (labels < 0.99)).any()


def test_without_augmentation_training_only_shuffles(dataset):
    plain = training(dataset, augment=None, crop_seconds=None)
    [(features, _)] = collect(datasets.log_mels(dataset, "train", batch_size=36, settings=SETTINGS))
    sums = sorted(row[:frames].sum() for row, frames in zip(features["log_mel"], features["num_frames"], strict=True))
    shuffled = [
        row[:frames].sum()
        for batch, _ in plain
        for row, frames in zip(batch["log_mel"], batch["num_frames"], strict=True)
    ]
    np.testing.assert_allclose(sorted(shuffled), sums, rtol=1e-4)
    assert shuffled != sorted(shuffled)


def test_the_number_of_batches_is_known(dataset):
    assert (
        len(datasets.log_mels(dataset, "train", batch_size=8, settings=SETTINGS, training=True, augment=AUGMENT)) == 5
    )


def test_a_missing_side_is_named(dataset):
    with pytest.raises(UserError, match="no test clips"):
        datasets.waveforms(dataset, "test", batch_size=4)


def test_descriptions_tell_what_is_known_of_each_clip(dataset):
    known = datasets.descriptions(dataset, "validation")
    assert set(known["speaker"]) == {
        "synthetic/validation0",
        "synthetic/validation1",
        "synthetic/validation2",
    }
    assert known["votes"].shape == (18, 6)
    assert set(known["sex"]) == {"female"}
    assert known["age"].min() == 30
