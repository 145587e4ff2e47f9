"""Convert audio (a file, its bytes, a stream of bytes, or samples) to a waveform for a model."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from data_pipeline.audio.decode import Decoded, UnusableAudio, decode_bytes, decode_utterance
from data_pipeline.audio.samples import Samples, pcm_of_samples
from data_pipeline.audio.track import Track
from data_pipeline.quality.unusable import unusable_reason
from serving.errors import RecognitionError, UnreadableAudioError

MAX_STREAM_BYTES = 2**27
"""Maximum number of bytes that are read from a stream: the size of an utterance of the longest duration in the widest
format. It bounds the memory for a sender that never ends."""

_READ_BYTES = 2**16
"""Number of bytes that are read from a file object at a time."""

CUT_OFF = "its file ends before the header says: what is there was judged"
"""Finding of an utterance whose file was cut off."""

Encoded = str | os.PathLike | bytes | bytearray | memoryview | BinaryIO | Iterable[bytes]
"""An audio file: its path, its content, or a stream of its content."""

Audio = Encoded | Samples
"""The audio of an utterance:

- `str`, `Path`: path or URL of an audio file, or of a video with sound, in any format and at any sampling rate;
- `bytes`, `bytearray`, `memoryview`: the content of such a file;
- a binary file object, or an iterable of bytes: the content as a stream, which is read to its end;
- `Samples`.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """An utterance that a model can judge.

    Attributes:
        waveform: float32 [samples] at 16 kHz, full scale ±1.
        finding: What is to be said with its answer, such as `CUT_OFF`; empty if there is nothing.
    """

    waveform: np.ndarray
    finding: str = ""


def read_utterance(audio: Audio, track: Track | None = None) -> Utterance:
    """Read an utterance.

    Audio of any kind is rejected for the same reasons for which `ser data prepare` sets a clip aside, such as silence,
    too little speech or a duration of less than a syllable: no model was trained on such clips, but it would still
    give an answer.

    Args:
        audio: See `Audio`.
        track: The channel to take from several, or None to take channels that are the same.

    Raises:
        UnreadableAudioError: If the audio cannot be read, is silent, shorter than 0.1 s or longer than 300 s, holds too
            little speech, or has channels that differ although none is chosen; if samples have a form, scale or rate
            that cannot be right.
        TypeError: If `audio` has an unsupported type.
    """
    try:
        decoded = _decoded(audio, track)
    except UnusableAudio as error:
        raise UnreadableAudioError(str(error)) from error
    if reason := unusable_reason(decoded.pcm):
        raise UnreadableAudioError(f"{name_of(audio)} {reason}")
    return Utterance(decoded.pcm / np.float32(32_768), CUT_OFF if decoded.is_cut_off else "")


def utterance_or_error(audio: Audio, track: Track | None = None) -> Utterance | RecognitionError:
    """Like `read_utterance`, but a `RecognitionError` is returned instead of raised."""
    try:
        return read_utterance(audio, track)
    except RecognitionError as error:
        return error


def refuse_single(audios: object) -> None:
    """Refuse one utterance where many are expected: a path is also an iterable of its letters.

    Raises:
        TypeError: If `audios` is a path, bytes, a file object, an array or `Samples`.
    """
    single = isinstance(audios, str | os.PathLike | bytes | bytearray | memoryview | Samples | np.ndarray)
    if single or hasattr(audios, "read"):
        raise TypeError(
            f"many utterances are expected: give a list, or use recognise() for one. Received: {type(audios).__name__}"
        )


def name_of(audio: Audio) -> str:
    """Name of the audio in messages: the path of a file, or `the audio` if it has none."""
    if isinstance(audio, str | os.PathLike):
        return str(audio)
    name = getattr(audio, "name", None)
    return name if isinstance(name, str) else "the audio"


def _decoded(audio: Audio, track: Track | None) -> Decoded:
    if isinstance(audio, Samples):
        return Decoded(pcm_of_samples(audio, track), is_cut_off=False)
    if isinstance(audio, str | os.PathLike):
        return decode_utterance(audio if isinstance(audio, str) else Path(audio), track=track)
    if isinstance(audio, bytes | bytearray | memoryview):
        return decode_bytes(bytes(audio), name_of(audio), track=track)
    return decode_bytes(_collected(_pieces(audio), name_of(audio)), name_of(audio), track=track)


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
