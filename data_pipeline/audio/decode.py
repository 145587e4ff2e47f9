"""From an audio file of any kind that libsndfile reads to 16 kHz mono PCM."""

import contextlib
import io
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import miniaudio
import numpy as np
import soundfile
import soxr

from data_pipeline.audio.mp3 import LARGEST_MP3, Mp3, is_mp3
from data_pipeline.errors import UserError
from data_pipeline.storage import is_remote, storage_for
from data_pipeline.storage.local import UNREADABLE_BYTE

SAMPLE_RATE = 16_000
"""Of every waveform in this project, in Hz."""

LONGEST = 300.0
"""Seconds that one utterance may last; a longer file is a recording still to be cut."""

_RATES = range(1_000, 768_001)
"""Sampling rates that recordings have, in Hz; anything else is a broken header."""

_MOST_VALUES = 2**26
"""Frames times channels that an utterance may have, a quarter of a gigabyte in float32: 300 s of stereo at 96 kHz are
fewer."""

_BLOCK = 2**20
"""Frames times channels that are decoded at a time, 4 MiB in float32; most utterances are shorter."""

_LARGEST_OBJECT = 2**27
"""Bytes of a remote file, which is held in memory whole: 300 s of 32-bit stereo at 48 kHz, two hours of MP3."""

_OVERHANG = 0.1
"""Seconds by which the end of a clip may lie beyond that of its file: tables round, and coders drop part of a frame (an
MP3's at 16 kHz lasts 36 ms). More is a wrong time or another file."""

_HEAD = 16
"""Bytes that are read to see whether a file may be an MP3."""

_NOT_UTF8 = "has a name that is not UTF-8: rename it"

_SEEKABLE = ("WAV", "WAVEX", "FLAC", "AIFF", "RF64", "W64", "AU")
"""Formats of libsndfile in which any sample can be gone to exactly and at once."""


class UnusableAudio(UserError):
    """A file that gives no usable waveform.

    Attributes:
        location: The file.
        reason: What is wrong with it, worded to follow the file's name: `is empty (zero bytes)`.
    """

    def __init__(self, location: Path | str, reason: str) -> None:
        super().__init__(f"{location} {reason}")
        self.location = str(location)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Audio:
    """What a file holds, before anything is done to it.

    Attributes:
        channels: float32 [frames, channels], full scale ±1, at least one frame.
        rate: Sampling rate in Hz.
        format: libsndfile's name of the container and of the coding, as `WAV PCM_16`.
        peak: The largest magnitude of all samples.
    """

    channels: np.ndarray
    rate: int
    format: str
    peak: float


def decode(
    location: Path | str,
    start: float = 0.0,
    end: float | None = None,
    longest: float = LONGEST,
    must_reach_end: bool = False,
) -> np.ndarray:
    """Read an audio file, or a part of one, as 16 kHz mono PCM.

    The container and codec are recognised by content, so that an MP3 named `.wav` is read as what it is. Short MP3s
    are decoded by dr_mp3 (see `mp3`), everything else by libsndfile.
    Channels are averaged; other sampling rates are converted by soxr at its HQ setting (20 bits); samples
    beyond full scale are clipped. Memory grows with the samples returned, not with the file's rate, channels or what
    lies before `start`; only a remote file is held whole.

    Args:
        location: WAV, FLAC, Ogg, MP3 or another format of libsndfile; a path or a URL.
        start: Seconds into the file at which to begin.
        end: Seconds into the file at which to stop, or None for its end.
        longest: Seconds from which on the file, or the part, is refused unread.
        must_reach_end: Whether a file is refused that stops well before `end`; otherwise what there is is read.

    Returns:
        int16 [samples] at 16 kHz, at least one sample.

    Raises:
        UnusableAudio: If the file is missing, out of reach, empty, not audio, holds no samples or values that are not
            finite, lasts longer than `longest` seconds, or ends too early. Its `reason` says which.
    """
    with _opened(location, start, end, longest, must_reach_end) as (file, frames):
        return _pcm(file, frames, location)


def decode_bytes(content: bytes, name: str = "the audio", longest: float = LONGEST) -> np.ndarray:
    """Read the content of an audio file as 16 kHz mono PCM; see `decode`.

    Args:
        content: Of a file of any format that `decode` reads.
        name: What errors call it.
        longest: Seconds from which on it is refused.

    Returns:
        int16 [samples] at 16 kHz, at least one sample.

    Raises:
        UnusableAudio: See `decode`.
    """
    with _opened(name, 0.0, None, longest, False, content) as (file, frames):
        return _pcm(file, frames, name)


def read_audio(
    location: Path | str,
    start: float = 0.0,
    end: float | None = None,
    longest: float = LONGEST,
    must_reach_end: bool = False,
) -> Audio:
    """Read an audio file, or a part of one, as it is.

    Args:
        location: See `decode`, as for the other arguments.
        start: See there.
        end: See there.
        longest: See there.
        must_reach_end: See there.

    Raises:
        UnusableAudio: See there.
    """
    with _opened(location, start, end, longest, must_reach_end) as (file, frames):
        return _audio(file, frames, location)


def to_pcm(audio: Audio) -> np.ndarray:
    """Audio as 16 kHz mono PCM; see `decode`.

    Returns:
        int16 [samples], at least one sample.
    """
    waveform = _mono(audio.channels)
    if audio.rate != SAMPLE_RATE:
        waveform = soxr.resample(waveform, audio.rate, SAMPLE_RATE, quality="HQ")
    # Averaging channels makes nothing louder, but a resampling filter overshoots.
    pcm = _quantised(waveform, clip=audio.rate != SAMPLE_RATE or audio.peak > 32_767 / 32_768)
    return pcm if pcm.size else np.zeros(1, np.int16)


def padded_batch(waveforms: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Put waveforms of different lengths into one batch.

    Args:
        waveforms: At least one waveform, each float32 [samples].

    Returns:
        waveform: float32 [batch, longest], shorter rows followed by zeros. There is at least one column: TensorFlow
            Serving cannot pad an empty row, and would fail the other calls in its batch.
        num_samples: int32 [batch], the original lengths.
    """
    lengths = np.array([len(waveform) for waveform in waveforms], np.int32)
    batch = np.zeros((len(waveforms), max(1, lengths.max())), np.float32)
    for row, waveform in zip(batch, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return batch, lengths


class _File(soundfile.SoundFile):
    """A file that is read on from where it is.

    soundfile seeks after every read to where it is already, and an MP3 decoder that is made to seek loses the bits that
    the next frame borrows from the last.
    """

    def seekable(self) -> bool:
        return False

    def read_frames(self, frames: int) -> np.ndarray:
        """What comes next: float32 [frames, channels], fewer at the end."""
        return self.read(frames, dtype="float32", always_2d=True)

    @property
    def is_exact(self) -> bool:
        """Whether any sample can be gone to exactly and at once; not so in a WAV of GSM 6.10 or G.721."""
        return self.format in _SEEKABLE and super().seekable()


@contextlib.contextmanager
def _opened(
    location: Path | str,
    start: float,
    end: float | None,
    longest: float,
    must_reach_end: bool,
    content: bytes | None = None,
) -> Iterator[tuple[_File | Mp3, int]]:
    """A file at the first frame of an utterance, and how many frames that has by what the header says."""
    try:
        opened = _open(location) if content is None else _open_content(content, location)
        with contextlib.closing(opened) as file:
            if flaw := _flaw(file, start, end, longest, must_reach_end):
                raise UnusableAudio(location, flaw)
            first, stop = _stretch(file, start, end)
            if first:
                _go_to(file, first)
            yield file, stop - first
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
        raise UnusableAudio(location, _NOT_UTF8 if UNREADABLE_BYTE in str(location) else reason) from error
    # soundfile raises TypeError for a name that ends in .raw, since headerless audio needs a description.
    except (soundfile.SoundFileError, TypeError) as error:
        detail = getattr(error, "error_string", str(error)).rstrip(".")
        raise UnusableAudio(location, f"cannot be decoded as audio ({detail})") from error


def _open(location: Path | str) -> _File | Mp3:
    if is_remote(str(location)):
        return _open_content(_content(str(location)), location)
    # Without Python's own buffer: most files are not read here, and of the others everything at once.
    with open(location, "rb", buffering=0) as file:  # noqa: PTH123  faster than a Path's, and called for every clip
        head = file.read(_HEAD)
        if not head:
            raise UnusableAudio(location, "is empty (zero bytes)")
        if head[:1] in b"\xffI" and len(content := head + file.read(LARGEST_MP3 + 1 - len(head))) <= LARGEST_MP3:
            mp3 = _mp3(content)
            if mp3 is not None:
                return mp3
    return _File(os.fsencode(location))


def _open_content(content: bytes, location: Path | str) -> _File | Mp3:
    if not content:
        raise UnusableAudio(location, "is empty (zero bytes)")
    return (_mp3(content) if len(content) <= LARGEST_MP3 else None) or _File(io.BytesIO(content))


def _mp3(content: bytes) -> Mp3 | None:
    """A short file's content if it is an MP3 that dr_mp3 can decode; of others libsndfile says what is wrong."""
    if not is_mp3(content):
        return None
    try:
        return Mp3(content)
    except miniaudio.DecodeError:
        return None


def _content(location: str) -> bytes:
    """A remote file's bytes."""
    storage = storage_for(location)
    try:
        content = storage.read(location, _LARGEST_OBJECT + 1)
    except UserError as error:
        raise UnusableAudio(location, str(error).removeprefix(f"{location} ")) from error
    if len(content) > _LARGEST_OBJECT:
        raise UnusableAudio(location, f"is larger than {_LARGEST_OBJECT / 1e6:.0f} MB: cut it into shorter files")
    return content


def _go_to(file: _File | Mp3, first: int) -> None:
    if isinstance(file, Mp3) or file.is_exact:
        file.seek(first)
        return
    scrap = np.empty((_block_of(file), file.channels), np.float32)
    while first:
        skipped = len(file.read(out=scrap[:first]))
        if not skipped:
            return
        first -= skipped


def _pcm(file: _File | Mp3, frames: int, location: Path | str) -> np.ndarray:
    if isinstance(file, Mp3) and file.samplerate == SAMPLE_RATE and file.channels == 1 and frames:
        return file.read_pcm(frames)[:, 0]
    if frames * file.channels > _BLOCK:
        return _long_pcm(file, frames, location)
    return to_pcm(_audio(file, frames, location))


def _audio(file: _File | Mp3, frames: int, location: Path | str) -> Audio:
    channels = file.read_frames(frames)
    return Audio(channels, file.samplerate, f"{file.format} {file.subtype}", _peak(channels, location))


def _long_pcm(file: _File | Mp3, frames: int, location: Path | str) -> np.ndarray:
    """What `to_pcm` makes of all frames, without all of them in memory; a resampler that waits for more is slower."""
    rate = file.samplerate
    stream = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
    parts = []
    left = frames
    while left:
        block = file.read_frames(min(left, _block_of(file)))
        # Of a file that was cut off, the header promises more than there is.
        if not len(block) and left < frames:
            break
        _peak(block, location)
        left -= len(block)
        waveform = _mono(block)
        parts.append(_quantised(stream.resample_chunk(waveform) if stream else waveform))
    if stream:
        parts.append(_quantised(stream.resample_chunk(np.empty(0, np.float32), last=True)))
    pcm = np.concatenate(parts)
    return pcm if pcm.size else np.zeros(1, np.int16)


def _block_of(file: _File | Mp3) -> int:
    """Frames to be decoded at a time."""
    return max(1, _BLOCK // file.channels)


def _peak(channels: np.ndarray, location: Path | str) -> float:
    """The largest magnitude.

    Raises:
        UnusableAudio: If there are no samples, or any is not finite.
    """
    if channels.size == 0:
        raise UnusableAudio(location, "holds no samples")
    # NaN is its own minimum and maximum, so that no second array is needed.
    low, high = float(channels.min()), float(channels.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UnusableAudio(location, "holds samples that are not finite numbers")
    return max(-low, high)


def _mono(channels: np.ndarray) -> np.ndarray:
    return channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1)


def _quantised(waveform: np.ndarray, clip: bool = True) -> np.ndarray:
    scaled = waveform * np.float32(32_768)
    np.rint(scaled, out=scaled)
    if clip:
        np.clip(scaled, -32_768, 32_767, out=scaled)
    return scaled.astype(np.int16)


def _stretch(file: _File | Mp3, start: float, end: float | None) -> tuple[int, int]:
    """The first frame of an utterance and the one after its last."""
    stop = file.frames if end is None else min(round(end * file.samplerate), file.frames)
    return round(start * file.samplerate), stop


def _flaw(file: _File | Mp3, start: float, end: float | None, longest: float, must_reach_end: bool) -> str | None:
    """What the header says that rules out reading on, worded to follow the file's name."""
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
