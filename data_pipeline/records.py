"""The record of one utterance: a `tf.train.Example` with 16 kHz mono PCM and everything known of the clip."""

import numpy as np
import tensorflow as tf

from data_pipeline.clip import Clip
from data_pipeline.emotion import LABELS

_FEATURES = {
    "pcm": tf.io.FixedLenFeature([], tf.string),
    "name": tf.io.FixedLenFeature([], tf.string),
    "corpus": tf.io.FixedLenFeature([], tf.string),
    "speaker": tf.io.FixedLenFeature([], tf.string),
    "emotion": tf.io.FixedLenFeature([], tf.string),
    "votes": tf.io.FixedLenFeature([len(LABELS)], tf.int64),
    "intensity": tf.io.FixedLenFeature([], tf.string),
    "sentence": tf.io.FixedLenFeature([], tf.string),
    "sex": tf.io.FixedLenFeature([], tf.string),
    "age": tf.io.FixedLenFeature([], tf.int64),
    "race": tf.io.FixedLenFeature([], tf.string),
    "ethnicity": tf.io.FixedLenFeature([], tf.string),
}


def encode(clip: Clip, pcm: np.ndarray) -> bytes:
    """Serialise one utterance.

    Args:
        clip: What is known of it. An unknown age is stored as -1, missing votes as zeros.
        pcm: int16 [samples] at 16 kHz, mono.

    Returns:
        A serialised `tf.train.Example`; equal arguments give equal bytes.

    Raises:
        ValueError: If `pcm` is not a vector of int16.
    """
    if pcm.dtype != np.int16 or pcm.ndim != 1:
        raise ValueError(f"pcm must be int16 of shape [samples]. Received: {pcm.dtype} {pcm.shape}")
    votes = clip.votes or {}
    values: dict[str, bytes | str | int | list[int]] = {
        "pcm": pcm.astype("<i2").tobytes(),
        "name": clip.name,
        "corpus": clip.corpus,
        "speaker": clip.speaker,
        "emotion": clip.emotion,
        "votes": [votes.get(emotion, 0) for emotion in LABELS],
        "intensity": clip.intensity,
        "sentence": clip.sentence,
        "sex": clip.sex,
        "age": -1 if clip.age is None else clip.age,
        "race": clip.race,
        "ethnicity": clip.ethnicity,
    }
    features = tf.train.Features(feature={key: _feature(value) for key, value in values.items()})
    return tf.train.Example(features=features).SerializeToString(deterministic=True)


def parse(record: tf.Tensor) -> dict[str, tf.Tensor]:
    """The inverse of `encode`, inside a tf.data pipeline.

    Args:
        record: string scalar, one serialised example.

    Returns:
        `waveform` float32 [samples] with full scale ±1 at 16 kHz, `num_samples` int32, `votes` int64
        [classes], `age` int64 (-1 where unknown), and every other field of the clip as a string scalar.
    """
    example = tf.io.parse_single_example(record, _FEATURES)
    pcm = tf.io.decode_raw(example.pop("pcm"), tf.int16)
    waveform = tf.cast(pcm, tf.float32) / 32_768.0
    return {"waveform": waveform, "num_samples": tf.size(waveform), **example}


def _feature(value: bytes | str | int | list[int]) -> tf.train.Feature:
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    integers = value if isinstance(value, list) else [value]
    return tf.train.Feature(int64_list=tf.train.Int64List(value=integers))
