import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.augment import AugmentSettings
from data_pipeline.augment.edges import fade, random_crop, trim_silence
from data_pipeline.augment.reverberation import impulse_response, reverberate
from data_pipeline.augment.spectrograms import mask_spectrogram, mixup
from data_pipeline.augment.speed import change_speed
from data_pipeline.augment.waveform_chain import random_gain

SEEDS = st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)).map(lambda pair: np.array(pair, np.int32))


@settings(deadline=None, max_examples=50)
@given(samples=st.integers(1, 500), length=st.integers(1, 400), shift=st.integers(0, 100), seed=SEEDS)
def test_a_crop_is_a_part_of_the_clip_perhaps_after_silence(samples, length, shift, seed):
    crop = random_crop(tf.range(1.0, samples + 1), length, shift, seed).numpy()
    assert 0 < len(crop) <= length
    heard = crop[crop > 0]
    assert len(crop) - len(heard) <= shift
    assert not crop[: len(crop) - len(heard)].any()
    np.testing.assert_array_equal(np.diff(heard), 1)


def test_crops_reach_every_part_of_a_long_clip():
    starts = [random_crop(tf.range(1.0, 101), 20, 5, [seed, 0]).numpy()[-1] for seed in range(300)]
    assert min(starts) < 20
    assert max(starts) == 100


@settings(deadline=None, max_examples=30)
@given(decibels=st.floats(0.1, 20), seed=SEEDS)
def test_gain_stays_within_its_bounds(decibels, seed):
    gain = 20 * np.log10(random_gain(tf.constant([1.0]), decibels, seed).numpy()[0])
    assert -decibels - 0.01 <= gain <= decibels + 0.01


@pytest.mark.parametrize("frames", [1, 2, 30, 300])
def test_masks_hide_bands_and_frames_behind_the_mean(frames):
    spectrogram = np.random.default_rng(0).normal(size=(frames, 64)).astype(np.float32)
    chosen = AugmentSettings(bands=10, band_masks=2, frames=30, frame_masks=2)
    hidden = 0
    for seed in range(20):
        masked = mask_spectrogram(tf.constant(spectrogram), chosen, [seed, 7]).numpy()
        changed = masked != spectrogram
        np.testing.assert_allclose(masked[changed], spectrogram.mean(), atol=1e-5)
        bands, lines = changed.all(0).sum(), changed.all(1).sum()
        hidden += bands + lines
        assert lines == frames or bands <= 20
        assert bands == 64 or lines <= 60
    assert hidden > 0


def test_mixup_blends_neighbours_and_their_labels_alike():
    features = {"log_mel": tf.random.normal([6, 5, 4]), "num_frames": tf.constant([1, 5, 2, 3, 4, 1])}
    labels = tf.one_hot([0, 1, 2, 3, 4, 5], 6)
    mixed, mixed_labels = mixup(features, labels, 0.5, [3, 4])
    share = np.diag(mixed_labels)
    assert ((share > 0) & (share < 1)).any()
    plain = features["log_mel"].numpy()
    expected = share[:, None, None] * plain + (1 - share)[:, None, None] * np.roll(plain, 1, 0)
    np.testing.assert_allclose(mixed["log_mel"], expected, atol=1e-5)
    assert mixed["num_frames"].numpy().tolist() == [1, 5, 5, 3, 4, 4]


def test_mixup_blends_soft_labels_into_distributions():
    features = {"log_mel": tf.zeros([5, 2, 4]), "num_frames": tf.fill([5], 2)}
    labels = np.random.default_rng(0).dirichlet(np.ones(6), 5).astype(np.float32)
    _, mixed = mixup(features, tf.constant(labels), 0.5, [1, 2])
    np.testing.assert_allclose(mixed.numpy().sum(1), 1, atol=1e-5)
    assert not np.allclose(mixed, labels)


@settings(deadline=None, max_examples=30)
@given(before=st.integers(0, 300), loud=st.integers(1, 300), after=st.integers(0, 300), seed=st.integers(0, 99))
def test_trimming_takes_what_is_soft_at_either_end_and_nothing_else(before, loud, after, seed):
    random = np.random.default_rng(seed)
    speech = random.choice([-1.0, 1.0], loud) * random.uniform(0.2, 0.9, loud)
    hiss = [random.uniform(-1e-4, 1e-4, count) for count in (before, after)]
    waveform = np.concatenate([hiss[0], speech, hiss[1]]).astype(np.float32)
    np.testing.assert_array_equal(trim_silence(waveform, 40.0), waveform[before : before + loud])


def test_digital_silence_is_not_trimmed_to_nothing():
    assert trim_silence(np.zeros(100, np.float32), 40.0).shape == (100,)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_a_few_samples_are_faded_to_as_many(samples):
    assert fade(np.ones(samples, np.float32), 160).shape == (samples,)


@pytest.mark.parametrize("samples", [4, 5, 160, 319, 1_000])
def test_fades_rise_from_silence_and_fall_to_it(samples):
    faded = fade(np.ones(samples, np.float32), 160).numpy()
    slope = min(160, samples // 2)
    assert faded.shape == (samples,)
    np.testing.assert_allclose(faded[:slope], np.linspace(0, 1, slope), atol=1e-6)
    np.testing.assert_allclose(faded[-slope:], np.linspace(0, 1, slope)[::-1], atol=1e-6)
    np.testing.assert_array_equal(faded[slope : samples - slope], 1)


@pytest.mark.parametrize("factor", [50, 90, 97, 110, 150])
def test_speed_changes_tempo_and_pitch_together(factor):
    time = np.arange(16_000) / 16_000
    got = change_speed(np.sin(2 * np.pi * 1_000 * time).astype(np.float32), factor).numpy()
    assert len(got) == -(-16_000 * 100 // factor)
    wanted = np.sin(2 * np.pi * 1_000 * np.arange(len(got)) * factor / 100 / 16_000)
    inner = slice(500, -500)
    assert np.abs(got - wanted)[inner].max() < 0.01


def test_what_a_faster_clip_has_beyond_the_band_is_left_out():
    tone = np.sin(2 * np.pi * 7_500 * np.arange(16_000) / 16_000).astype(np.float32)
    # 8,250 Hz would come back as 7,750.
    assert np.abs(change_speed(tone, 110).numpy()[500:-500]).max() < 0.01


def test_the_ends_of_a_clip_do_not_meet_when_its_speed_changes():
    click = np.zeros(51_200 - 200, np.float32)
    click[-1] = 1
    assert np.abs(change_speed(click, 110).numpy()[:1_000]).max() < 0.01


@settings(deadline=None, max_examples=20)
@given(samples=st.integers(1, 5_000), factor=st.integers(50, 200), seed=SEEDS)
def test_speed_and_room_are_finite_and_of_the_promised_length(samples, factor, seed):
    waveform = np.random.default_rng(samples).normal(0, 0.1, samples).astype(np.float32)
    changed = change_speed(waveform, factor).numpy()
    assert len(changed) == -(-samples * 100 // factor)
    room = reverberate(waveform, 0.3, 5.0, seed, longest=0.4).numpy()
    assert len(room) == samples
    assert np.isfinite(changed).all()
    assert np.isfinite(room).all()


@pytest.mark.parametrize("time", [0.2, 0.5, 0.8])
def test_a_room_dies_away_by_60_decibels_in_its_time(time):
    response = impulse_response(time, 0.0, [1, 2], longest=1.0).numpy()
    # Schroeder's backward integration (1965), from 5 to 35 dB down and doubled: T30 of ISO 3382-1.
    decay = 10 * np.log10(np.cumsum(response[:0:-1] ** 2)[::-1] / np.sum(response[1:] ** 2))
    below = [np.argmax(decay < level) / 16_000 for level in (-5, -35)]
    assert 2 * (below[1] - below[0]) == pytest.approx(time, rel=0.08)


@pytest.mark.parametrize("ratio", [-5.0, 0.0, 15.0])
def test_a_rooms_reflections_have_the_drawn_energy(ratio):
    response = impulse_response(0.4, ratio, [3, 4], longest=0.5).numpy()
    assert response[0] == 1
    assert 10 * np.log10(1 / np.sum(response[1:].astype(np.float64) ** 2)) == pytest.approx(ratio, abs=0.01)


def test_a_room_keeps_level_and_place_and_leaves_silence_silent():
    noise = np.random.default_rng(0).normal(0, 0.1, 8_000).astype(np.float32)
    wet = reverberate(noise, 0.5, 10.0, [5, 6], longest=0.8).numpy()
    assert np.sum(wet**2) == pytest.approx(np.sum(noise**2), rel=1e-4)
    assert np.argmax(np.correlate(wet, noise, "full")) == len(noise) - 1
    response = impulse_response(0.5, 10.0, [5, 6], longest=0.8).numpy()
    direct = np.convolve(noise.astype(np.float64), response)[:8_000]
    np.testing.assert_allclose(wet / wet.std(), direct / direct.std(), atol=1e-3)
    assert not reverberate(np.zeros(500, np.float32), 0.5, 10.0, [5, 6], longest=0.8).numpy().any()
