"""An audio file, opened at the first frame of an utterance: recognised by content, refused where it is no good.

Short MP3s are opened by `formats.mp3`, most other files by `formats.sound_file`, and what neither takes by
`formats.container`.
"""

import contextlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from data_pipeline.audio.formats import not_audio
from data_pipeline.audio.formats.container import Container, NoContainer
from data_pipeline.audio.formats.endings import mp3_is_cut_off, ogg_is_cut_off
from data_pipeline.audio.formats.mp3 import LARGEST_MP3, Mp3, first_frame, is_mp3
from data_pipeline.audio.formats.reader import CannotBeDecoded, Reader
from data_pipeline.audio.formats.sound_file import SoundFile
from data_pipeline.audio.formats.wav_header import read_wav_header
from data_pipeline.errors import UserError
from data_pipeline.storage import is_remote, storage_for
from data_pipeline.storage.local import UNREADABLE_BYTE

AUDIO_SUFFIXES = (
    *(".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff"),
    *(".au", ".snd", ".w64", ".rf64", ".caf", ".voc", ".sph", ".nist", ".aifc", ".oga", ".spx", ".gsm"),
    *(".m4a", ".mp4", ".mov", ".m4b", ".3gp", ".3g2", ".aac", ".webm", ".mka", ".mkv", ".amr", ".awb", ".flv"),
    *(".wma", ".asf", ".avi", ".mpg", ".mpeg", ".ts", ".ac3", ".wv", ".ape", ".mp2", ".mpga"),
)
"""Suffixes of audio files, and of videos, whose sound is taken. Where a clip is there twice, the file with the earlier
suffix is taken."""

RATES = range(1_000, 768_001)
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

_NOT_UTF8 = "has a name that is not UTF-8: rename it"

_NOT_REGULAR = (
    "is {kind}, not a regular file: save what comes from it to a file, or send it to `ser predict -` on standard input"
)

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


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


@contextlib.contextmanager
def opened(
    location: Path | str,
    start: float,
    end: float | None,
    longest: float,
    must_reach_end: bool,
    content: bytes | None = None,
) -> Iterator["Utterance"]:
    """Open a file at the first frame of an utterance.

    Args:
        location: Location of the file, or what errors call `content`.
        start: Seconds into the file at which the utterance begins.
        end: Seconds into the file at which it ends, or None for the end of the file.
        longest: Longest utterance in seconds.
        must_reach_end: Whether a file that stops well before `end` is refused.
        content: Content of the file, or None to read it from `location`.

    Yields:
        The utterance, of which nothing has been read.

    Raises:
        UnusableAudio: If the file cannot be opened or decoded, or its header rules out reading on.
    """
    try:
        if content is None and not is_remote(str(location)):
            _refuse_what_is_no_file(location)
            source: BinaryIO = open(location, "rb")  # noqa: SIM115, PTH123  closed below; faster than a Path's
        else:
            source = io.BytesIO(_content(str(location)) if content is None else content)
        path = location if content is None and not is_remote(str(location)) else None
        with source, contextlib.closing(_reader(source, path)) as file:
            utterance = Utterance(file, source, location, start, end, longest, must_reach_end)
            with contextlib.closing(utterance):
                yield utterance
    except CannotBeDecoded as error:
        raise UnusableAudio(location, str(error)) from error
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
        raise UnusableAudio(location, _NOT_UTF8 if UNREADABLE_BYTE in str(location) else reason) from error


class Utterance:
    """An utterance in an opened file, of which nothing has been read.

    Attributes:
        file: The file.
        frames: Number of frames of the utterance according to the header, or None where only reading tells.
        reaches_end: Whether the utterance is to reach to the end of the file.
    """

    def __init__(
        self,
        file: Reader,
        source: BinaryIO,
        location: Path | str,
        start: float,
        end: float | None,
        longest: float,
        must_reach_end: bool,
    ) -> None:
        """See `opened`."""
        self.file = file
        self._source = source
        self._location = location
        self._longest = longest
        self._first = round(start * file.samplerate)
        stop = None if end is None else round(end * file.samplerate)
        # Where a clip must reach its end, the last frame that has to be there.
        self._least = round((end - _OVERHANG) * file.samplerate) if must_reach_end and end is not None else 0
        if file.frames is not None:
            stop = file.frames if stop is None else min(stop, file.frames)
        self.frames = None if stop is None else stop - self._first
        self.reaches_end = end is None
        if reason := self._reason(start):
            raise UnusableAudio(location, reason)
        if self._first:
            file.seek(self._first)

    def blocks(self) -> Iterator[np.ndarray]:
        """The utterance in blocks.

        Yields:
            float32 [frames, channels], at least one frame; whole, if it is not large and its length is known.

        Raises:
            UnusableAudio: If the rest cannot be decoded, lasts too long, or ends too early.
        """
        rate, read = self.file.samplerate, 0
        while self.frames is None or read < self.frames:
            wanted = _block_of(self.file)
            block = self._read(read, wanted if self.frames is None else min(wanted, self.frames - read))
            # The header of a file that was cut off promises more frames than there are.
            if not len(block):
                break
            read += len(block)
            if read > self._longest * rate:
                raise UnusableAudio(self._location, self._too_long)
            yield block
        if self._first + read < self._least and (read or self.frames is None):
            raise UnusableAudio(self._location, self._ends_early((self._first + read) / rate))

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _read(self, done: int, frames: int) -> np.ndarray:
        """Read the next frames, after `done` of the utterance, with the second decoder where the first gives up."""
        try:
            return self.file.read_frames(frames)
        except CannotBeDecoded:
            if isinstance(self.file, Container):
                raise
        self.file.close()
        self.file = Container(self._source)
        self.file.seek(self._first + done)
        return self.file.read_frames(frames)

    @property
    def is_small(self) -> bool:
        """Whether the utterance is a single block."""
        return self.frames is not None and self.frames <= _block_of(self.file)

    @property
    def _too_long(self) -> str:
        return f"lasts longer than {self._longest:g} s: cut it into utterances"

    def _ends_early(self, lasts: float) -> str:
        end = self._least / self.file.samplerate + _OVERHANG
        return f"lasts {lasts:.2f} s and ends before {end:g} s, where this clip should"

    def _reason(self, start: float) -> str | None:
        """Why the header rules out reading on, worded to follow the file's name; None if it does not."""
        file, frames = self.file, self.frames
        if file.samplerate not in RATES:
            return f"states a sampling rate of {file.samplerate:,} Hz: its header is broken"
        if file.frames is None or frames is None:
            return None
        lasts = file.frames / file.samplerate
        if self._first and frames <= 0:
            return f"lasts {lasts:.2f} s and has nothing from {start:g} s on"
        if file.frames and self._least > file.frames:
            return self._ends_early(lasts)
        if frames > self._longest * file.samplerate:
            return self._too_long
        if frames * file.channels > _MOST_VALUES:
            return f"states {file.channels} channels of {frames:,} samples: too much, unless its header is broken"
        return None


def _refuse_what_is_no_file(location: Path | str) -> None:
    """Refuse pipes and devices, which would be waited for without an end."""
    kind = stat.S_IFMT(os.stat(location).st_mode)  # noqa: PTH116  faster than a Path's, and called for every clip
    if kind in _KINDS:
        raise UnusableAudio(location, _NOT_REGULAR.format(kind=_KINDS[kind]))


def _reader(source: BinaryIO, location: Path | str | None) -> Reader:
    """Open a file with the decoder for what is in it.

    Args:
        source: The file.
        location: Its path, if it has one; libsndfile reads faster by itself.
    """
    head = source.read(not_audio.HEAD)
    if not head:
        raise CannotBeDecoded("is empty (zero bytes)")
    length = source.seek(0, io.SEEK_END)
    if head[:1] in b"\xffI" and length <= _LARGEST_OBJECT:
        source.seek(0)
        content = source.read()
        if is_mp3(content):
            return _mp3(content, source, location)
    with contextlib.suppress(CannotBeDecoded):
        return _sound_file(source, location, head, length)
    try:
        return Container(source)
    except NoContainer as error:
        raise CannotBeDecoded(f"cannot be decoded as audio: {not_audio.cause(head)}") from error


def _mp3(content: bytes, source: BinaryIO, location: Path | str | None) -> Reader:
    if len(content) <= LARGEST_MP3:
        with contextlib.suppress(CannotBeDecoded):
            return Mp3(content)
    # libsndfile's decoder prints its own warnings about an MP3 that was cut off.
    if mp3_is_cut_off(content, first_frame(content)):
        return Container(source)
    return _open_sound_file(source, location, ends_early=False)


def _sound_file(source: BinaryIO, location: Path | str | None, head: bytes, length: int) -> Reader:
    wav = read_wav_header(source, length) if head.startswith(b"RIFF") else None
    if wav and wav.states_no_size and wav.data_start < length:
        raise CannotBeDecoded("does not state its size")
    # Found out before libsndfile opens the file, which must not be moved in afterwards.
    ends_early = wav.is_cut_off if wav else ogg_is_cut_off(source, length) if head.startswith(b"OggS") else None
    file = _open_sound_file(source, location, ends_early)
    if not file.states_length and not (wav and not file.frames):
        file.close()
        raise CannotBeDecoded("does not state its length")
    return file


def _open_sound_file(source: BinaryIO, location: Path | str | None, ends_early: bool | None) -> SoundFile:
    source.seek(0)
    return SoundFile(source if location is None else os.fsencode(location), ends_early)


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


def _block_of(file: Reader) -> int:
    """Number of frames to be decoded at a time."""
    return max(1, _BLOCK // file.channels)
