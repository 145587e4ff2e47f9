"""Records: what is written is what is read."""

import string
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from data_pipeline.clip import Clip
from data_pipeline.emotion import LABELS, Emotion
from data_pipeline.records import encode, parse

words = st.text(string.printable + "éß漢", max_size=12)
pcms = arrays.arrays(np.int16, st.integers(0, 300), elements=st.integers(-32_768, 32_767))
clips = st.builds(
    Clip,
    path=st.just(Path("clip.wav")),
    name=words,
    corpus=words,
    speaker=words,
    emotion=st.sampled_from(Emotion),
    votes=st.none() | st.dictionaries(st.sampled_from(Emotion), st.integers(0, 2**40)),
    intensity=words,
    sentence=words,
    sex=words,
    age=st.none() | st.integers(0, 120),
    race=words,
    ethnicity=words,
)


@settings(max_examples=30, deadline=None)
@given(clips, pcms)
def test_every_field_comes_back(clip, pcm):
    parsed = {key: value.numpy() for key, value in parse(tf.constant(encode(clip, pcm))).items()}

    np.testing.assert_array_equal(parsed["waveform"], pcm.astype(np.float32) / 32_768)
    assert parsed["waveform"].dtype == np.float32
    assert parsed["num_samples"] == len(pcm)
    assert parsed["votes"].tolist() == [(clip.votes or {}).get(label, 0) for label in LABELS]
    assert parsed["age"] == (-1 if clip.age is None else clip.age)
    for field in [
        "name",
        "corpus",
        "speaker",
        "emotion",
        "intensity",
        "sentence",
        "sex",
        "race",
        "ethnicity",
    ]:
        assert parsed[field].decode() == getattr(clip, field)


@settings(max_examples=10, deadline=None)
@given(clips, pcms)
def test_equal_utterances_give_equal_bytes(clip, pcm):
    assert encode(clip, pcm) == encode(clip, pcm.copy())


def test_it_is_an_example_that_any_program_can_read():
    clip = Clip(Path("clip.wav"), "1001_IEO_NEU_XX", "crema_d", "1001", Emotion.NEUTRAL)

    features = tf.train.Example.FromString(encode(clip, np.array([1, -2], np.int16))).features.feature

    assert features["pcm"].bytes_list.value[0] == b"\x01\x00\xfe\xff"
    assert features["name"].bytes_list.value[0] == b"1001_IEO_NEU_XX"


@pytest.mark.parametrize(
    "pcm",
    [np.zeros(4, np.float32), np.zeros(4, np.int32), np.zeros((4, 1), np.int16), np.zeros((), np.int16)],
)
def test_anything_but_a_vector_of_int16_is_refused(pcm):
    clip = Clip(Path("clip.wav"), "a", "b", "c", Emotion.FEAR)

    with pytest.raises(ValueError, match=r"int16 of shape \[samples\]. Received"):
        encode(clip, pcm)
