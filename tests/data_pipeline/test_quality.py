"""Quality findings: useless clips, and the same audio under different labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.emotion import Emotion
from data_pipeline.quality import SILENCE, contradictions, objection


def pcm(samples: int, amplitude: int) -> np.ndarray:
    waveform = np.zeros(samples, np.int16)
    waveform[samples // 2] = amplitude
    return waveform


@pytest.mark.parametrize("amplitude", [SILENCE, -SILENCE, 32_767, -32_768])
def test_one_audible_sample_is_enough(amplitude):
    assert objection(pcm(16_000, amplitude)) is None


@pytest.mark.parametrize("amplitude", [0, 1, SILENCE - 1, 1 - SILENCE])
def test_silence_is_told(amplitude):
    assert objection(pcm(16_000, amplitude)).startswith("is silent")


@pytest.mark.parametrize("samples", [1, 800, 1_599])
def test_less_than_a_tenth_of_a_second_is_too_short(samples):
    assert objection(pcm(samples, 5_000)).startswith("is shorter than 0.1 s")


def test_a_tenth_of_a_second_is_long_enough():
    assert objection(pcm(1_600, 5_000)) is None


def test_nothing_at_all_is_too_short():
    assert objection(np.zeros(0, np.int16)).startswith("is shorter than 0.1 s")


def test_identical_audio_under_different_labels():
    (found,) = contradictions(
        [
            ("c/b", Emotion.SADNESS, "x"),
            ("c/a", Emotion.ANGER, "x"),
            ("c/c", Emotion.FEAR, "y"),
        ]
    )

    assert found.names == ("c/a", "c/b")
    assert found.emotions == (Emotion.ANGER, Emotion.SADNESS)


def test_identical_audio_under_one_label_is_no_contradiction():
    assert contradictions([("c/a", Emotion.FEAR, "x"), ("c/b", Emotion.FEAR, "x")]) == []


@given(st.lists(st.tuples(st.sampled_from(Emotion), st.sampled_from("xyz")), max_size=30), st.randoms())
def test_groups_are_complete_and_do_not_depend_on_order(labels, random):
    clips = [(f"c/{number}", emotion, digest) for number, (emotion, digest) in enumerate(labels)]
    shuffled = random.sample(clips, len(clips))

    found = contradictions(clips)

    assert contradictions(shuffled) == found
    digest_of = {name: digest for name, _, digest in clips}
    for group in found:
        (digest,) = {digest_of[name] for name in group.names}
        assert set(group.names) == {name for name in digest_of if digest_of[name] == digest}
        assert len(set(group.emotions)) > 1
