import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.augment import AugmentSettings, mask_spectrogram, mixup, random_crop, random_gain

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
