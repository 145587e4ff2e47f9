"""Records: what is written is what is read."""

import io
import string

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from data_pipeline.clip import Clip
from data_pipeline.emotion import EMOTIONS, Emotion
from data_pipeline.records.example_proto import encode_example, head_of_bytes
from data_pipeline.records.parsing import parse
from data_pipeline.records.record import Record, encode
from data_pipeline.records.tfrecord import write_record
from data_pipeline.storage.stored_file import StoredFile

FILE = StoredFile("clip.wav", "clip.wav", 1, 0)

words = st.text(string.printable + "éß漢", max_size=12)
pcms = arrays.arrays(np.int16, st.integers(0, 300), elements=st.integers(-32_768, 32_767))
clips = st.builds(
    Clip,
    file=st.just(FILE),
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
    repetition=words,
    speaker_known=st.booleans(),
)


@settings(max_examples=30, deadline=None)
@given(clips, pcms)
def test_every_field_comes_back(clip, pcm):
    parsed = {key: value.numpy() for key, value in parse(tf.constant(encode(clip, pcm))).items()}

    np.testing.assert_array_equal(parsed["waveform"], pcm.astype(np.float32) / 32_768)
    assert parsed["waveform"].dtype == np.float32
    assert parsed["num_samples"] == len(pcm)
    assert parsed["votes"].tolist() == [(clip.votes or {}).get(label, 0) for label in EMOTIONS]
    assert parsed["speaker_known"] == clip.speaker_known
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
        "repetition",
    ]:
        assert parsed[field].decode() == getattr(clip, field)


@settings(max_examples=10, deadline=None)
@given(clips, pcms)
def test_equal_utterances_give_equal_bytes(clip, pcm):
    assert encode(clip, pcm) == encode(clip, pcm.copy())


@settings(deadline=None)
@given(st.text(max_size=200), st.integers(0, 300) | st.sampled_from([16_383, 16_384, 2_097_151, 2_097_152]))
def test_long_values_are_framed_as_the_protobuf_library_does(key, size):
    assert head_of_bytes(key, size) + bytes(size) == encode_example({key: bytes(size)})


def test_it_is_an_example_that_any_program_can_read():
    clip = Clip(FILE, "1001_IEO_NEU_XX", "crema_d", "1001", Emotion.NEUTRAL)

    features = tf.train.Example.FromString(encode(clip, np.array([1, -2], np.int16))).features.feature

    assert features["pcm"].bytes_list.value[0] == b"\x01\x00\xfe\xff"
    assert features["name"].bytes_list.value[0] == b"1001_IEO_NEU_XX"


@pytest.mark.parametrize(
    "pcm",
    [np.zeros(4, np.float32), np.zeros(4, np.int32), np.zeros((4, 1), np.int16), np.zeros((), np.int16)],
)
def test_anything_but_a_vector_of_int16_is_refused(pcm):
    clip = Clip(FILE, "a", "b", "c", Emotion.FEAR)

    with pytest.raises(ValueError, match=r"int16 of shape \[samples\]. Received"):
        encode(clip, pcm)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.binary(max_size=2_000), max_size=4))
def test_a_record_file_is_the_one_that_tensorflow_writes(tmp_path_factory, records):
    folder = tmp_path_factory.mktemp("records")
    with tf.io.TFRecordWriter(str(folder / "reference.tfrecord")) as writer:
        for record in records:
            writer.write(record)
    ours = io.BytesIO()

    size = sum(write_record(ours, record) for record in records)

    assert ours.getvalue() == (folder / "reference.tfrecord").read_bytes()
    assert size == len(ours.getvalue())


def test_its_parts_make_one_example_for_tensorflow():
    clip = Clip(FILE, "n", "c", "s", Emotion.CALM, votes={Emotion.CALM: 300}, age=7)
    record = Record.of(clip, np.arange(5, dtype=np.int16))

    features = tf.train.Example.FromString(record.description + record.head + record.samples).features.feature

    assert len(features) == 14
    assert features["votes"].int64_list.value == [0] * 7 + [300, 0]
    assert "pcm" not in tf.train.Example.FromString(record.description).features.feature
