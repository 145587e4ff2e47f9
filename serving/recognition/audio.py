"""Audio as callers have it (a file, its bytes, a stream of them, or samples), to a waveform as models take it."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE, UnusableAudio, decode, decode_bytes
from data_pipeline.quality.unusable import unusable_reason
from serving.errors import RecognitionError, UnreadableAudioError
from serving.recognition.waveforms import to_waveform

MOST_BYTES = 2**27
"""Of a stream: what an utterance of the longest duration takes in the widest format, and all that is kept of a
sender who never ends."""

_PIECE = 2**16
"""Bytes that are read from a file object at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Audio that is in memory already.

    Attributes:
        values: [samples] or [samples, channels]; floats of full scale ±1, or signed integers of their type's full
            scale.
        rate: Sampling rate in Hz.
    """

    values: np.ndarray
    rate: int


Encoded = str | os.PathLike | bytes | bytearray | memoryview | BinaryIO | Iterable[bytes]
"""An audio file, wherever its bytes are."""

Audio = Encoded | Samples
"""Where an utterance comes from:

- `str`, `Path`: an audio file, or its URL, of any format and rate that libsndfile reads;
- `bytes` and the like: the content of such a file;
- a file object opened for bytes, or an iterable of pieces of bytes: the content as a stream, read to its end;
- `Samples`.
"""


def read_waveform(audio: Audio) -> np.ndarray:
    """The waveform of one utterance.

    What comes encoded is refused where `ser data prepare` would set it aside: of silence, or of less than a syllable,
    a model has learnt nothing, and it would answer all the same. Whoever sends samples decides that for themselves.

    Args:
        audio: See `Audio`.

    Returns:
        float32 [samples] at 16 kHz, full scale ±1.

    Raises:
        UnreadableAudioError: If a file, bytes or a stream cannot be read as audio, are silent, shorter than 0.1 s or
            longer than 300 s.
        ValueError: If samples have another rank or dtype, or a rate that is not positive.
        TypeError: If `audio` is none of the above.
    """
    if isinstance(audio, Samples):
        return to_waveform(audio.values, audio.rate)
    try:
        pcm = _pcm(audio)
    except UnusableAudio as error:
        raise UnreadableAudioError(str(error)) from error
    if reason := unusable_reason(pcm):
        raise UnreadableAudioError(f"{name_of(audio)} {reason}")
    return to_waveform(pcm, SAMPLE_RATE)


def waveform_or_reason(audio: Audio) -> np.ndarray | RecognitionError:
    """As `read_waveform`, but the reason why there is no waveform is given back."""
    try:
        return read_waveform(audio)
    except RecognitionError as error:
        return error


def name_of(audio: Audio) -> str:
    """What sentences call it: the path of a file, `the audio` where it has none."""
    if isinstance(audio, str | os.PathLike):
        return str(audio)
    name = getattr(audio, "name", None)
    return name if isinstance(name, str) else "the audio"


def _pcm(audio: Encoded) -> np.ndarray:
    if isinstance(audio, str | os.PathLike):
        return decode(audio if isinstance(audio, str) else Path(audio))
    if isinstance(audio, bytes | bytearray | memoryview):
        return decode_bytes(bytes(audio), name_of(audio))
    return decode_bytes(_collected(_pieces(audio), name_of(audio)), name_of(audio))


def _pieces(stream: BinaryIO | Iterable[bytes]) -> Iterator[bytes]:
    if isinstance(stream, np.ndarray):
        raise TypeError(f"samples need their rate: Samples(values, rate). Received: an array of shape {stream.shape}")
    if hasattr(stream, "read"):
        return iter(lambda: stream.read(_PIECE), b"")
    if not isinstance(stream, Iterable):
        raise TypeError(f"audio is a path, bytes, a stream of bytes or Samples. Received: {type(stream).__name__}")
    return iter(stream)


def _collected(pieces: Iterator[bytes], name: str) -> bytes:
    content = bytearray()
    try:
        for piece in pieces:
            if not isinstance(piece, bytes | bytearray | memoryview):
                raise TypeError(f"a stream of audio gives bytes. Received: {type(piece).__name__}")
            content += piece
            if len(content) > MOST_BYTES:
                raise UnreadableAudioError(f"{name} is larger than {MOST_BYTES / 1e6:.0f} MB: cut it into utterances")
    except OSError as error:
        raise UnreadableAudioError(f"{name} cannot be read to its end ({error}): send it again") from error
    return bytes(content)
