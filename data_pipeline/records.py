"""The record of one utterance: a `tf.train.Example` with 16 kHz mono PCM and everything known of the clip."""

import numpy as np

from data_pipeline.clip import Clip
from data_pipeline.emotion import EMOTIONS
from data_pipeline.example_proto import encode_example


def encode(clip: Clip, pcm: np.ndarray) -> bytes:
    """Serialise one utterance.

    Args:
        clip: What is known of it. An unknown age is stored as -1, missing votes as zeros.
        pcm: int16 [samples] at 16 kHz, mono.

    Returns:
        A serialised `tf.train.Example`; equal arguments give equal bytes. `parsing.parse` is its inverse.

    Raises:
        ValueError: If `pcm` is not a vector of int16.
    """
    if pcm.dtype != np.int16 or pcm.ndim != 1:
        raise ValueError(f"pcm must be int16 of shape [samples]. Received: {pcm.dtype} {pcm.shape}")
    votes = clip.votes or {}
    return encode_example(
        {
            "pcm": pcm.astype("<i2").tobytes(),
            "name": clip.name,
            "corpus": clip.corpus,
            "speaker": clip.speaker,
            "speaker_known": int(clip.speaker_known),
            "emotion": clip.emotion,
            "votes": [votes.get(emotion, 0) for emotion in EMOTIONS],
            "intensity": clip.intensity,
            "sentence": clip.sentence,
            "repetition": clip.repetition,
            "sex": clip.sex,
            "age": -1 if clip.age is None else clip.age,
            "race": clip.race,
            "ethnicity": clip.ethnicity,
        }
    )
