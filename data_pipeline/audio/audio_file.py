"""An audio file, opened at the first frame of an utterance: recognised by content, refused where it is no good.

Short MP3s are opened by `mp3`, everything else by libsndfile.
"""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import miniaudio
import numpy as np
import soundfile

from data_pipeline.audio.mp3 import LARGEST_MP3, Mp3, is_mp3
from data_pipeline.errors import UserError
from data_pipeline.storage import is_remote, storage_for
from data_pipeline.storage.local import UNREADABLE_BYTE

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff")
"""Suffixes of audio files. Where a clip is there twice, the file with the earlier suffix is taken."""

LONGEST = 300.0
"""Longest utterance in seconds; a longer file is a recording still to be cut."""

_RATES = range(1_000, 768_001)
"""Sampling rates of recordings in Hz; any other means a broken header."""

_MOST_VALUES = 2**26
"""Most values (frames times channels) of an utterance, a quarter of a gigabyte in float32; 300 s of stereo at 96 kHz
have fewer."""

_BLOCK = 2**20
"""Values (frames times channels) that are decoded at a time, 4 MiB in float32; most utterances have fewer."""

_LARGEST_OBJECT = 2**27
"""Largest remote file in bytes; it is held in memory whole. 300 s of 32-bit stereo at 48 kHz, or two hours of MP3."""

_OVERHANG = 0.1
"""Seconds by which the end of a clip may lie beyond the end of its file: tables round, and coders drop part of a frame
(36 ms in an MP3 at 16 kHz). More means a wrong time or another file."""

_HEAD = 16
"""Number of bytes that are read to see whether a file may be an MP3."""

_NOT_UTF8 = "has a name that is not UTF-8: rename it"

_SEEKABLE = ("WAV", "WAVEX", "FLAC", "AIFF", "RF64", "W64", "AU")
"""Formats of libsndfile in which seeking to any sample is exact and immediate."""


class UnusableAudio(UserError):
    """A file that gives no usable waveform.

    Attributes:
        location: Location of the file.
        reason: What is wrong with it, worded to follow the file's name: `is empty (zero bytes)`.
    """

    def __init__(self, location: Path | str, reason: str) -> None:
        super().__init__(f"{location} {reason}")
        self.location = str(location)
        self.reason = reason


class AudioFile(soundfile.SoundFile):
    """A file that is read from front to back.

    soundfile seeks to its current position after every read. An MP3 decoder that seeks loses the bits that the next
    frame borrows from the last, so seeking is switched off.
    """

    def seekable(self) -> bool:
        """False: the file is not to be moved after a read."""
        return False

    def read_frames(self, frames: int) -> np.ndarray:
        """Read the next frames: float32 [frames, channels], fewer at the end."""
        return self.read(frames, dtype="float32", always_2d=True)

    @property
    def is_exact(self) -> bool:
        """Whether seeking to any sample is exact and immediate, which it is not in a WAV of GSM 6.10 or G.721."""
        return self.format in _SEEKABLE and super().seekable()


@contextlib.contextmanager
def opened(
    location: Path | str,
    start: float,
    end: float | None,
    longest: float,
    must_reach_end: bool,
    content: bytes | None = None,
) -> Iterator[tuple[AudioFile | Mp3, int]]:
    """Open a file at the first frame of an utterance.

    Args:
        location: Location of the file, or what errors call `content`.
        start: Seconds into the file at which the utterance begins.
        end: Seconds into the file at which it ends, or None for the end of the file.
        longest: Longest utterance in seconds.
        must_reach_end: Whether a file that stops well before `end` is refused.
        content: Content of the file, or None to read it from `location`.

    Yields:
        The file, and the number of frames of the utterance according to the header.

    Raises:
        UnusableAudio: If the file cannot be opened, or its header rules out reading on.
    """
    try:
        opened = _open(location) if content is None else _open_content(content, location)
        with contextlib.closing(opened) as file:
            if reason := _reason(file, start, end, longest, must_reach_end):
                raise UnusableAudio(location, reason)
            first, stop = _stretch(file, start, end)
            if first:
                _seek(file, first)
            yield file, stop - first
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
        raise UnusableAudio(location, _NOT_UTF8 if UNREADABLE_BYTE in str(location) else reason) from error
    # soundfile raises TypeError for a name that ends in .raw, since headerless audio needs a description.
    except (soundfile.SoundFileError, TypeError) as error:
        detail = getattr(error, "error_string", str(error)).rstrip(".")
        raise UnusableAudio(location, f"cannot be decoded as audio ({detail})") from error


def _open(location: Path | str) -> AudioFile | Mp3:
    if is_remote(str(location)):
        return _open_content(_content(str(location)), location)
    # Unbuffered: most files are not read here, and the others are read whole.
    with open(location, "rb", buffering=0) as file:  # noqa: PTH123  faster than a Path's, and called for every clip
        head = file.read(_HEAD)
        if not head:
            raise UnusableAudio(location, "is empty (zero bytes)")
        if head[:1] in b"\xffI" and len(content := head + file.read(LARGEST_MP3 + 1 - len(head))) <= LARGEST_MP3:
            mp3 = _mp3(content)
            if mp3 is not None:
                return mp3
    return AudioFile(os.fsencode(location))


def _open_content(content: bytes, location: Path | str) -> AudioFile | Mp3:
    if not content:
        raise UnusableAudio(location, "is empty (zero bytes)")
    return (_mp3(content) if len(content) <= LARGEST_MP3 else None) or AudioFile(io.BytesIO(content))


def _mp3(content: bytes) -> Mp3 | None:
    """A short file as an MP3 if dr_mp3 can decode it; for other files libsndfile says what is wrong."""
    if not is_mp3(content):
        return None
    try:
        return Mp3(content)
    except miniaudio.DecodeError:
        return None


def _content(location: str) -> bytes:
    """The content of a remote file."""
    storage = storage_for(location)
    try:
        content = storage.read(location, _LARGEST_OBJECT + 1)
    except UserError as error:
        raise UnusableAudio(location, str(error).removeprefix(f"{location} ")) from error
    if len(content) > _LARGEST_OBJECT:
        raise UnusableAudio(location, f"is larger than {_LARGEST_OBJECT / 1e6:.0f} MB: cut it into shorter files")
    return content


def _seek(file: AudioFile | Mp3, first: int) -> None:
    if isinstance(file, Mp3) or file.is_exact:
        file.seek(first)
        return
    scrap = np.empty((block_of(file), file.channels), np.float32)
    while first:
        skipped = len(file.read(out=scrap[:first]))
        if not skipped:
            return
        first -= skipped


def block_of(file: AudioFile | Mp3) -> int:
    """Number of frames to be decoded at a time."""
    return max(1, _BLOCK // file.channels)


def _stretch(file: AudioFile | Mp3, start: float, end: float | None) -> tuple[int, int]:
    """The first frame of an utterance and the frame after its last."""
    stop = file.frames if end is None else min(round(end * file.samplerate), file.frames)
    return round(start * file.samplerate), stop


def _reason(file: AudioFile | Mp3, start: float, end: float | None, longest: float, must_reach_end: bool) -> str | None:
    """Why the header rules out reading on, worded to follow the file's name; None if it does not."""
    # libsndfile takes some names (.gsm, .vox) to mean headerless audio, whatever is in the file.
    if file.format == "RAW":
        return "cannot be decoded as audio (it has no header)"
    if file.samplerate not in _RATES:
        return f"states a sampling rate of {file.samplerate:,} Hz: its header is broken"
    first, stop = _stretch(file, start, end)
    lasts = file.frames / file.samplerate
    if first and first >= stop:
        return f"lasts {lasts:.2f} s and has nothing from {start:g} s on"
    if must_reach_end and end is not None and lasts and end > lasts + _OVERHANG:
        return f"lasts {lasts:.2f} s and ends before {end:g} s, where this clip should"
    if stop - first > longest * file.samplerate:
        return f"lasts longer than {longest:g} s: cut it into utterances"
    if (stop - first) * file.channels > _MOST_VALUES:
        return f"states {file.channels} channels of {stop - first:,} samples: too much, unless its header is broken"
    return None
