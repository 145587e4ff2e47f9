import dataclasses

import numpy as np
import pytest
import soundfile

from data_pipeline import input_pipeline
from data_pipeline.audio.log_mel import LogMelSettings, log_mel, num_frames
from data_pipeline.audio.telephone import TelephoneSettings, telephone
from data_pipeline.augment import AugmentSettings
from data_pipeline.batch_part import BatchPart
from data_pipeline.emotion import EMOTIONS, LABELS
from data_pipeline.errors import UserError
from data_pipeline.targets import Target
from tests.data_pipeline.prepared import write_dataset

SETTINGS = LogMelSettings()
AUGMENT = AugmentSettings()
EVERYTHING = dataclasses.replace(
    AugmentSettings.strong(), speed=0.7, reverberation=0.7, noise=0.7, telephone=0.7, telephone_packet_loss=0.2
)


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
    return collect(input_pipeline.log_mels(dataset, "train", **(arguments | changes)))


def test_waveforms_are_whole_padded_with_zeros_and_of_true_length(dataset):
    batches = collect(input_pipeline.waveforms(dataset, "validation", batch_size=7))
    assert [len(labels) for _, labels in batches] == [7, 7, 4]
    known = input_pipeline.descriptions(dataset, "validation")
    assert (
        np.concatenate([features["num_samples"] for features, _ in batches]).tolist() == known["num_samples"].tolist()
    )
    for features, _ in batches:
        assert features["waveform"].shape[1] == features["num_samples"].max()
        for waveform, length in zip(features["waveform"], features["num_samples"], strict=True):
            assert np.abs(waveform[:length]).max() > 0.05
            assert not waveform[length:].any()


def test_waveforms_may_be_padded_to_a_multiple(dataset):
    as_they_are = collect(input_pipeline.waveforms(dataset, "validation", batch_size=7))
    longer = collect(input_pipeline.waveforms(dataset, "validation", batch_size=7, multiple=4_000))
    for (features, labels), (padded, same_labels) in zip(as_they_are, longer, strict=True):
        samples = features["waveform"].shape[1]
        assert padded["waveform"].shape[1] == -(-samples // 4_000) * 4_000
        np.testing.assert_array_equal(padded["waveform"][:, :samples], features["waveform"])
        assert not padded["waveform"][:, samples:].any()
        np.testing.assert_array_equal(padded["num_samples"], features["num_samples"])
        np.testing.assert_array_equal(labels, same_labels)


def test_labels_are_one_hot_in_the_order_of_the_records(dataset):
    labels = np.concatenate([labels for _, labels in input_pipeline.waveforms(dataset, "validation", batch_size=5)])
    known = input_pipeline.descriptions(dataset, "validation")
    assert labels.sum(1).tolist() == [1.0] * 18
    assert [LABELS[index] for index in labels.argmax(1)] == known["emotion"].tolist()


def test_log_mels_are_those_of_the_waveforms(dataset):
    [(waves, _)] = collect(input_pipeline.waveforms(dataset, "validation", batch_size=18))
    [(features, _)] = collect(input_pipeline.log_mels(dataset, "validation", batch_size=18, settings=SETTINGS))
    for index, length in enumerate(waves["num_samples"]):
        frames = num_frames(int(length), SETTINGS)
        alone = log_mel(waves["waveform"][index, :length], SETTINGS).numpy()
        assert features["num_frames"][index] == frames
        np.testing.assert_allclose(features["log_mel"][index, :frames], alone, atol=1e-5)
        np.testing.assert_allclose(features["log_mel"][index, frames:], SETTINGS.floor, atol=1e-6)


@pytest.mark.parametrize("augment", [AUGMENT, EVERYTHING])
def test_an_epoch_is_a_function_of_its_seed_and_number(dataset, augment):
    first, again = (training(dataset, epoch=3, seed=5, augment=augment) for _ in range(2))
    for (features, labels), (same_features, same_labels) in zip(first, again, strict=True):
        np.testing.assert_array_equal(features["log_mel"], same_features["log_mel"])
        np.testing.assert_array_equal(labels, same_labels)
    for changes in ({"epoch": 4, "seed": 5}, {"epoch": 3, "seed": 6}):
        other = training(dataset, augment=augment, **changes)
        assert not np.array_equal(first[0][1], other[0][1])


def test_every_training_clip_is_seen_once_an_epoch(dataset):
    batches = collect(input_pipeline.waveforms(dataset, "train", batch_size=8, training=True, epoch=2))
    lengths = sorted(np.concatenate([features["num_samples"] for features, _ in batches]))
    assert lengths == sorted(input_pipeline.descriptions(dataset, "train")["num_samples"])


def test_training_crops_masks_and_mixes(dataset):
    batches = training(dataset)
    assert max(features["log_mel"].shape[1] for features, _ in batches) <= num_frames(8_000, SETTINGS)
    labels = np.concatenate([labels for _, labels in batches])
    np.testing.assert_allclose(labels.sum(1), 1, atol=1e-5)
    assert ((labels > 0.01) & (labels < 0.99)).any()


def test_without_augmentation_training_only_shuffles(dataset):
    plain = training(dataset, augment=None, crop_seconds=None)
    [(features, _)] = collect(input_pipeline.log_mels(dataset, "train", batch_size=36, settings=SETTINGS))
    sums = sorted(row[:frames].sum() for row, frames in zip(features["log_mel"], features["num_frames"], strict=True))
    shuffled = [
        row[:frames].sum()
        for batch, _ in plain
        for row, frames in zip(batch["log_mel"], batch["num_frames"], strict=True)
    ]
    np.testing.assert_allclose(sorted(shuffled), sums, rtol=1e-4)
    assert shuffled != sorted(shuffled)


def test_the_end_of_a_pass_waits_for_no_tuning(dataset):
    for batches in (
        input_pipeline.waveforms(dataset, "validation", batch_size=7),
        input_pipeline.log_mels(dataset, "train", batch_size=7, settings=SETTINGS, training=True),
    ):
        assert batches.options().autotune.enabled is False


def test_the_number_of_batches_is_known(dataset):
    assert (
        len(input_pipeline.log_mels(dataset, "train", batch_size=8, settings=SETTINGS, training=True, augment=AUGMENT))
        == 5
    )


def test_a_missing_split_is_named(dataset):
    with pytest.raises(UserError, match="no test clips"):
        input_pipeline.waveforms(dataset, "test", batch_size=4)


def test_descriptions_tell_what_is_known_of_each_clip(dataset):
    known = input_pipeline.descriptions(dataset, "validation")
    assert set(known["speaker"]) == {
        "synthetic/validation0",
        "synthetic/validation1",
        "synthetic/validation2",
    }
    assert known["votes"].shape == (18, len(EMOTIONS))
    assert set(known["sex"]) == {"female"}
    assert known["age"].min() == 30


CHANGES = {
    "trim": 3.0,
    "speed": 1.0,
    "shift": 0.3,
    "fade": 0.1,
    "reverberation": 1.0,
    "noise": 1.0,
    "gain": 6.0,
    "telephone": 1.0,
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_alone_changes_waveforms_and_leaves_them_finite(dataset, change):
    off = AugmentSettings.off()
    arguments = {"batch_size": 36, "training": True, "crop_seconds": 0.5, "epoch": 1}
    [(plain, _)] = collect(input_pipeline.waveforms(dataset, "train", augment=off, **arguments))
    augment = dataclasses.replace(off, **{change: CHANGES[change]})
    [(changed, _)] = collect(input_pipeline.waveforms(dataset, "train", augment=augment, **arguments))
    assert np.isfinite(changed["waveform"]).all()
    assert changed["num_samples"].max() <= 8_000
    width = min(plain["waveform"].shape[1], changed["waveform"].shape[1])
    differs = np.abs(plain["waveform"][:, :width] - changed["waveform"][:, :width]).max(axis=1) > 1e-3
    assert differs.mean() > 0.7


def test_a_change_happens_to_its_share_of_the_clips(dataset):
    arguments = {"batch_size": 36, "training": True}
    [(plain, _)] = collect(input_pipeline.waveforms(dataset, "train", augment=AugmentSettings.off(), **arguments))
    some = dataclasses.replace(AugmentSettings.off(), noise=0.5)
    [(changed, _)] = collect(input_pipeline.waveforms(dataset, "train", augment=some, **arguments))
    share = (plain["waveform"] != changed["waveform"]).any(axis=1).mean()
    assert 0.2 < share < 0.8


def test_noise_comes_from_a_folder(dataset, tmp_path):
    # A tone that no voice of the dataset has.
    soundfile.write(tmp_path / "whistle.wav", 0.5 * np.sin(2 * np.pi * 7_000 * np.arange(16_000) / 16_000), 16_000)
    augment = dataclasses.replace(AugmentSettings.off(), noise=1.0, noise_snr=(0.0, 0.0), noise_folder=str(tmp_path))
    [(features, _)] = collect(input_pipeline.waveforms(dataset, "train", batch_size=36, training=True, augment=augment))
    for waveform, length in zip(features["waveform"], features["num_samples"], strict=True):
        spectrum = np.abs(np.fft.rfft(waveform[:length])) ** 2
        hertz = np.fft.rfftfreq(length, 1 / 16_000)
        assert spectrum[(hertz > 6_900) & (hertz < 7_100)].sum() > 0.4 * spectrum.sum()


def test_a_channel_is_that_of_every_whole_clip(dataset):
    channel = TelephoneSettings("alaw")
    [(plain, _)] = collect(input_pipeline.waveforms(dataset, "validation", batch_size=18))
    [(heard, _)] = collect(input_pipeline.waveforms(dataset, "validation", batch_size=18, channel=channel))
    np.testing.assert_array_equal(heard["num_samples"], plain["num_samples"])
    for index, length in enumerate(plain["num_samples"]):
        wanted = telephone(plain["waveform"][index, :length], channel, [0, 0])
        np.testing.assert_allclose(heard["waveform"][index, :length], wanted, atol=1e-6)
    [(features, _)] = collect(
        input_pipeline.log_mels(dataset, "validation", batch_size=18, settings=SETTINGS, channel=channel)
    )
    frames = features["num_frames"][0]
    alone = log_mel(heard["waveform"][0, : heard["num_samples"][0]], SETTINGS)
    np.testing.assert_allclose(features["log_mel"][0, :frames], alone, atol=1e-4)


def test_lost_packets_are_the_same_in_every_evaluation_and_others_for_every_clip(dataset):
    def heard(packet_loss):
        channel = TelephoneSettings(packet_loss=packet_loss)
        [(features, _)] = collect(input_pipeline.waveforms(dataset, "validation", batch_size=18, channel=channel))
        # The first 20 packets; every second sample is one that came over the line.
        return features["waveform"][:, :6_400:2].reshape(18, 20, 160)

    first = heard(0.3)
    np.testing.assert_array_equal(heard(0.3), first)
    lost = (first != heard(0.0)).any(axis=2)
    assert 0.2 < lost.mean() < 0.4
    assert len({tuple(row) for row in lost}) == 18


def test_clips_of_other_labels_are_left_out_and_the_order_is_the_targets(dataset):
    target = Target(("sadness", "anger"))
    batches = collect(input_pipeline.log_mels(dataset, "train", batch_size=5, settings=SETTINGS, target=target))
    labels = np.concatenate([labels for _, labels in batches])
    assert labels.shape == (12, 2)
    known = input_pipeline.descriptions(dataset, "train", target)
    assert [target.labels[index] for index in labels.argmax(1)] == known["emotion"].tolist()


@pytest.mark.parametrize("augment", [AUGMENT, dataclasses.replace(AUGMENT, mixup=0.0)], ids=["mixup", "no mixup"])
@pytest.mark.parametrize("batch_size", [8, 7, 35], ids=["a rest of 4", "a rest of 1", "a whole batch and a rest of 1"])
def test_parts_of_processes_are_the_batches_of_one(dataset, batch_size, augment):
    whole = training(dataset, batch_size=batch_size, augment=augment)
    parts = [
        training(dataset, batch_size=batch_size, augment=augment, part=BatchPart(3, first, after))
        for first, after in ((0, 1), (1, 3))
    ]
    for (features, labels), *of_parts in zip(whole, *parts, strict=True):
        if len(labels) < 3:
            of_parts = of_parts[:1]
        joined = np.concatenate([part_labels for _, part_labels in of_parts])
        np.testing.assert_array_equal(joined, labels)
        frames = np.concatenate([part["num_frames"] for part, _ in of_parts])
        np.testing.assert_array_equal(frames, features["num_frames"])
        begin = 0
        for part, part_labels in of_parts:
            mine, length = part["log_mel"], part["log_mel"].shape[1]
            np.testing.assert_array_equal(mine, features["log_mel"][begin : begin + len(mine), :length])
            begin += len(part_labels)


def test_parts_of_waveforms_keep_their_order_without_training(dataset):
    whole = collect(input_pipeline.waveforms(dataset, "validation", batch_size=7))
    parts = [
        collect(input_pipeline.waveforms(dataset, "validation", batch_size=7, part=BatchPart(2, first, first + 1)))
        for first in (0, 1)
    ]
    for (features, _), (first, _), (second, _) in zip(whole, *parts, strict=True):
        lengths = np.concatenate([first["num_samples"], second["num_samples"]])
        np.testing.assert_array_equal(lengths, features["num_samples"])
