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

    A record consists of several examples written one after the other. By the encoding of protocol buffers they are read
    as one example with the features of all, also by TensorFlow's parser. The samples are thus copied only once, and
    features that many clips share are encoded only once.

    Attributes:
        description: Examples with everything that is known of the clip.
        head: Encoding before the samples.
        samples: PCM samples, little-endian.
    """

    description: bytes
    head: bytes
    samples: bytes

    @classmethod
    def of(cls, clip: Clip, pcm: np.ndarray) -> "Record":
        """Serialise one utterance; equal arguments give equal bytes. `parsing.parse` is the inverse.

        Args:
            clip: What is known of the utterance. An unknown age is stored as -1, missing votes as zeros.
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
    """An example with one feature; most clips share most features with others, so that they are cached."""
    return encode_example({key: value})
