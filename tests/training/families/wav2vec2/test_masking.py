import numpy as np
import pytest
from hypothesis import given, settings, strategies
from keras import ops

from training.families.wav2vec2.masking import SpecAugment, span_mask
from training.families.wav2vec2.settings import Wav2Vec2Settings


def masks(lengths, size, probability, span, minimum=0, seed=1):
    return ops.convert_to_numpy(span_mask(ops.array(lengths, "int32"), size, probability, span, minimum, seed))


@settings(max_examples=30, deadline=None)
@given(
    lengths=strategies.lists(strategies.integers(0, 60), min_size=1, max_size=4),
    probability=strategies.floats(0, 1),
    span=strategies.integers(1, 12),
    minimum=strategies.integers(0, 3),
    seed=strategies.integers(0, 2**20),
)
def test_spans_lie_within_each_length_and_are_whole(lengths, probability, span, minimum, seed):
    for length, row in zip(lengths, masks(lengths, 60, probability, span, minimum, seed), strict=True):
        assert not row[length:].any()
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row, [0]]).astype(int)))
        assert all(end - start >= span for start, end in edges.reshape(-1, 2))
        if minimum and length >= span:
            assert row.any()


def test_the_share_of_covered_frames_is_about_the_probability():
    covered = masks([500] * 400, 500, 0.1, 10).mean()
    # Overlaps take a little away.
    assert 0.085 < covered < 0.1


@pytest.mark.parametrize("training", [True, False])
def test_masks_replace_frames_and_silence_channels_only_while_training(training):
    layer = SpecAugment(Wav2Vec2Settings(hidden_size=48, mask_time_prob=0.5, mask_feature_prob=0.5))
    layer.build(None)
    layer.mask_embedding.assign(np.full(48, 7.0))
    hidden = np.random.default_rng(0).standard_normal((2, 40, 48)).astype("float32")
    output = ops.convert_to_numpy(layer(hidden, np.array([40, 20], "int32"), training=training))
    changed = (output != hidden) & (output != 0)
    silent = (output == 0).all(axis=1)
    assert (output[changed] == 7.0).all()
    assert changed.any() == silent.any() == training
    assert not changed[1, 20:].any()
