"""Convert audio (a file, its bytes, a stream of bytes, or samples) to a waveform for a model."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soxr

from data_pipeline.audio.decode import SAMPLE_RATE, UnusableAudio, decode, decode_bytes
from data_pipeline.quality.unusable import unusable_reason
from serving.errors import RecognitionError, UnreadableAudioError

MAX_STREAM_BYTES = 2**27
"""Maximum number of bytes that are read from a stream: the size of an utterance of the longest duration in the widest
format. It bounds the memory for a sender that never ends."""

_READ_BYTES = 2**16
"""Number of bytes that are read from a file object at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Audio in memory.

    Attributes:
        values: [samples] or [samples, channels]; floats with full scale ±1, or signed integers with the full scale of
            their type.
        rate: Sampling rate in Hz.
    """

    values: np.ndarray
    rate: int


Encoded = str | os.PathLike | bytes | bytearray | memoryview | BinaryIO | Iterable[bytes]
"""An audio file: its path, its content, or a stream of its content."""

Audio = Encoded | Samples
"""The audio of an utterance:

- `str`, `Path`: path or URL of an audio file, in any format and at any sampling rate that libsndfile reads;
- `bytes`, `bytearray`, `memoryview`: the content of such a file;
- a binary file object, or an iterable of bytes: the content as a stream, which is read to its end;
- `Samples`.
"""


def read_waveform(audio: Audio) -> np.ndarray:
    """Read the waveform of an utterance.

    Encoded audio is rejected for the same reasons for which `ser data prepare` sets a clip aside, such as silence or a
    duration of less than a syllable: no model was trained on such clips, but it would still give an answer. `Samples`
    are not checked.

    Args:
        audio: See `Audio`.

    Returns:
        float32 [samples] at 16 kHz, full scale ±1.

    Raises:
        UnreadableAudioError: If a file, bytes or a stream cannot be read as audio, is silent, shorter than 0.1 s or
            longer than 300 s.
        ValueError: If samples have an unsupported rank or dtype, or a sampling rate that is not positive.
        TypeError: If `audio` has an unsupported type.
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


def waveform_or_error(audio: Audio) -> np.ndarray | RecognitionError:
    """Like `read_waveform`, but a `RecognitionError` is returned instead of raised."""
    try:
        return read_waveform(audio)
    except RecognitionError as error:
        return error


def to_waveform(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mix to mono and resample to 16 kHz.

    Args:
        samples: [samples] or [samples, channels]; floats with full scale ±1, or signed integers with the full scale of
            their type.
        sample_rate: Sampling rate in Hz.

    Returns:
        float32 [samples] at 16 kHz.

    Raises:
        ValueError: If `samples` has an unsupported rank or dtype, or the sampling rate is not positive.
    """
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2) or samples.dtype.kind not in "fi":
        raise ValueError(
            "samples must be floats or signed integers of shape [samples] or [samples, channels]. "
            f"Received: {samples.dtype} {samples.shape}"
        )
    if sample_rate <= 0:
        raise ValueError(f"sample_rate must be positive. Received: {sample_rate}")
    full_scale = -float(np.iinfo(samples.dtype).min) if samples.dtype.kind == "i" else 1.0
    waveform = samples.astype(np.float32) / np.float32(full_scale)
    if waveform.ndim == 2:
        waveform = waveform.mean(axis=1)
    if sample_rate != SAMPLE_RATE and waveform.size:
        waveform = soxr.resample(waveform, sample_rate, SAMPLE_RATE)
    return waveform


def name_of(audio: Audio) -> str:
    """Name of the audio in messages: the path of a file, or `the audio` if it has none."""
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
        return iter(lambda: stream.read(_READ_BYTES), b"")
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
            if len(content) > MAX_STREAM_BYTES:
                raise UnreadableAudioError(
                    f"{name} is larger than {MAX_STREAM_BYTES / 1e6:.0f} MB: cut it into utterances"
                )
    except OSError as error:
        raise UnreadableAudioError(f"{name} cannot be read to its end ({error}): send it again") from error
    return bytes(content)
