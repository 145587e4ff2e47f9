"""The record of one utterance: a `tf.train.Example` with 16 kHz mono PCM and everything known of the clip."""

import functools
from dataclasses import dataclass

import numpy as np

from data_pipeline.clip import Clip
from data_pipeline.emotion import EMOTIONS
from data_pipeline.records.example_proto import encode_example, head_of_bytes


@dataclass(frozen=True, slots=True)
class Record:
    """An utterance as it is stored.

    It is made of examples written one after the other, which are read as one with the features of all: so the encoding
    of protocol buffers has it, and TensorFlow's parser of examples keeps to that. The samples are thus copied once,
    and what many clips have in common is encoded once.

    Attributes:
        description: Everything known of the clip.
        head: What the encoding wants before the samples.
        samples: The PCM, little-endian.
    """

    description: bytes
    head: bytes
    samples: bytes

    @classmethod
    def of(cls, clip: Clip, pcm: np.ndarray) -> "Record":
        """Serialise one utterance; equal arguments give equal bytes. `parsing.parse` is the inverse.

        Args:
            clip: What is known of it. An unknown age is stored as -1, missing votes as zeros.
            pcm: int16 [samples] at 16 kHz, mono.

        Raises:
            ValueError: If `pcm` is not a vector of int16.
        """
        if pcm.dtype != np.int16 or pcm.ndim != 1:
            raise ValueError(f"pcm must be int16 of shape [samples]. Received: {pcm.dtype} {pcm.shape}")
        votes = clip.votes or {}
        described = (
            encode_example({"name": clip.name}),
            _feature("corpus", clip.corpus),
            _feature("speaker", clip.speaker),
            _feature("speaker_known", int(clip.speaker_known)),
            _feature("emotion", clip.emotion),
            _feature("votes", tuple(votes.get(emotion, 0) for emotion in EMOTIONS)),
            _feature("intensity", clip.intensity),
            _feature("sentence", clip.sentence),
            _feature("repetition", clip.repetition),
            _feature("sex", clip.sex),
            _feature("age", -1 if clip.age is None else clip.age),
            _feature("race", clip.race),
            _feature("ethnicity", clip.ethnicity),
        )
        description = b"".join(described)
        samples = pcm.astype("<i2", copy=False).tobytes()
        return cls(description, head_of_bytes("pcm", len(samples)), samples)


def encode(clip: Clip, pcm: np.ndarray) -> bytes:
    """The bytes of a record; see `Record.of`."""
    record = Record.of(clip, pcm)
    return record.description + record.head + record.samples


@functools.lru_cache(maxsize=4_096)
def _feature(key: str, value: str | int | tuple[int, ...]) -> bytes:
    """An example of one feature. Most clips share most of theirs with others."""
    return encode_example({key: value})
