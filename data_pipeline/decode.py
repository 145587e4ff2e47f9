"""From an audio file of any kind that libsndfile reads to 16 kHz mono PCM."""

import io
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from data_pipeline.errors import UserError
from data_pipeline.storage import is_remote, storage_for

SAMPLE_RATE = 16_000
"""Of every waveform in this project, in Hz."""

LONGEST = 300.0
"""Seconds that one utterance may last; a longer file is a recording still to be cut."""

_RATES = range(1_000, 768_001)
"""Sampling rates that recordings have, in Hz; anything else is a broken header."""

_MOST_VALUES = 2**27
"""Frames times channels that a file may have: 300 s of stereo at 192 kHz, half a gigabyte in float32."""

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


def decode(location: Path | str, start: float = 0.0, end: float | None = None, longest: float = LONGEST) -> np.ndarray:
    """Read an audio file, or a part of one, as 16 kHz mono PCM.

    The container and codec are recognised by content, so that an MP3 named `.wav` is read as what it is.
    Channels are averaged; other sampling rates are converted by soxr at its HQ setting (20 bits); samples
    beyond full scale are clipped.

    Args:
        location: WAV, FLAC, Ogg, MP3 or another format of libsndfile; a path or a URL.
        start: Seconds into the file at which to begin.
        end: Seconds into the file at which to stop, or None for its end.
        longest: Seconds from which on the file, or the part, is refused unread.

    Returns:
        int16 [samples] at 16 kHz, at least one sample.

    Raises:
        UnusableAudio: If the file is missing, empty, not audio, holds no samples or values that are not
            finite, lasts longer than `longest` seconds, or ends before `start`. Its `reason` says which.
    """
    return to_pcm(read_audio(location, start, end, longest))


def read_audio(location: Path | str, start: float = 0.0, end: float | None = None, longest: float = LONGEST) -> Audio:
    """Read an audio file, or a part of one, as it is.

    Args:
        location: See `decode`, as for the other arguments.
        start: See there.
        end: See there.
        longest: See there.

    Raises:
        UnusableAudio: See there.
    """
    try:
        with soundfile.SoundFile(_open(location)) as file:
            container = file.format
            if flaw := _flaw(file, container, start, end, longest):
                raise UnusableAudio(location, flaw)
            channels = _read(file, container, start, end)
            rate, coding = file.samplerate, f"{container} {file.subtype}"
    except OSError as error:
        raise UnusableAudio(location, f"cannot be read ({error.strerror})") from error
    # soundfile raises TypeError for a name that ends in .raw, since headerless audio needs a description.
    except (soundfile.SoundFileError, TypeError) as error:
        detail = getattr(error, "error_string", str(error)).rstrip(".")
        raise UnusableAudio(location, f"cannot be decoded as audio ({detail})") from error
    if channels.size == 0:
        raise UnusableAudio(location, "holds no samples")
    # NaN is its own minimum and maximum, so that no second array is needed.
    low, high = float(channels.min()), float(channels.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UnusableAudio(location, "holds samples that are not finite numbers")
    return Audio(channels, rate, coding, max(-low, high))


def to_pcm(audio: Audio) -> np.ndarray:
    """Audio as 16 kHz mono PCM; see `decode`.

    Returns:
        int16 [samples], at least one sample.
    """
    channels = audio.channels
    waveform = channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1)
    if audio.rate != SAMPLE_RATE:
        waveform = soxr.resample(waveform, audio.rate, SAMPLE_RATE, quality="HQ")
        if waveform.size == 0:
            waveform = np.zeros(1, np.float32)
    scaled = waveform * np.float32(32_768)
    np.rint(scaled, out=scaled)
    # Averaging channels makes nothing louder, but a resampling filter overshoots.
    if audio.rate != SAMPLE_RATE or audio.peak > 32_767 / 32_768:
        np.clip(scaled, -32_768, 32_767, out=scaled)
    return scaled.astype(np.int16)


def _open(location: Path | str) -> str | BinaryIO:
    """What soundfile is to read."""
    if is_remote(str(location)):
        content = storage_for(str(location)).read(str(location))
        if not content:
            raise UnusableAudio(location, "is empty (zero bytes)")
        return io.BytesIO(content)
    if os.stat(location).st_size == 0:  # noqa: PTH116  thrice as fast as a Path, and called for every clip
        raise UnusableAudio(location, "is empty (zero bytes)")
    return str(location)


def _read(file: soundfile.SoundFile, container: str, start: float, end: float | None) -> np.ndarray:
    # In one piece and, where the format is not made for it, without seeking: soundfile seeks after every partial read,
    # and an MP3 decoder that is made to seek loses the bits that the next frame borrows from the last.
    first, stop = _stretch(file, start, end)
    if first and container in _SEEKABLE:
        file.seek(first)
        return file.read(stop - first, dtype="float32", always_2d=True)
    return file.read(-1 if stop == file.frames else stop, dtype="float32", always_2d=True)[first:]


def _stretch(file: soundfile.SoundFile, start: float, end: float | None) -> tuple[int, int]:
    """The first frame of an utterance and the one after its last."""
    stop = file.frames if end is None else min(round(end * file.samplerate), file.frames)
    return round(start * file.samplerate), stop


def _flaw(file: soundfile.SoundFile, container: str, start: float, end: float | None, longest: float) -> str | None:
    """What the header says that rules out reading on, worded to follow the file's name."""
    # libsndfile takes some names (.gsm, .vox) to mean headerless audio, whatever is in the file.
    if container == "RAW":
        return "cannot be decoded as audio (it has no header)"
    if file.samplerate not in _RATES:
        return f"states a sampling rate of {file.samplerate:,} Hz: its header is broken"
    first, stop = _stretch(file, start, end)
    if first and first >= stop:
        return f"lasts {file.frames / file.samplerate:.2f} s and has nothing from {start:g} s on"
    if stop - first > longest * file.samplerate:
        return f"lasts longer than {longest:g} s: cut it into utterances"
    if (stop - (first if container in _SEEKABLE else 0)) * file.channels > _MOST_VALUES:
        return f"states {file.channels} channels of {file.frames:,} samples: its header is broken"
    return None
