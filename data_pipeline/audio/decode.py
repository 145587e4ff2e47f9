"""From an audio file to 16 kHz mono PCM."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from data_pipeline.audio.audio_file import LONGEST, AudioFile, UnusableAudio, block_of, opened
from data_pipeline.audio.mp3 import Mp3

__all__ = [
    "LONGEST",
    "SAMPLE_RATE",
    "Audio",
    "UnusableAudio",
    "decode",
    "decode_bytes",
    "padded_batch",
    "read_audio",
    "to_pcm",
]

SAMPLE_RATE = 16_000
"""Sampling rate of every waveform in this project, in Hz."""


@dataclass(frozen=True, slots=True)
class Audio:
    """The samples of a file, before anything is done to them.

    Attributes:
        channels: float32 [frames, channels], full scale ±1, at least one frame.
        rate: Sampling rate in Hz.
        format: libsndfile's name of the container and of the coding, such as `WAV PCM_16`.
        peak: Largest magnitude of all samples.
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

    The container and codec are recognised by content, so an MP3 named `.wav` is read as an MP3. Short MP3s are decoded
    by dr_mp3 (see `mp3`), everything else by libsndfile. Channels are averaged. Other sampling rates are converted by
    soxr at its HQ setting (20 bits). Samples beyond full scale are clipped. Memory grows with the samples returned, not
    with the file's rate, channels or what lies before `start`; only a remote file is held whole.

    Args:
        location: A path or a URL of a WAV, FLAC, Ogg, MP3 or another format of libsndfile.
        start: Seconds into the file at which to begin.
        end: Seconds into the file at which to stop, or None for its end.
        longest: Longest utterance in seconds; a longer one is refused unread.
        must_reach_end: Whether a file that stops well before `end` is refused; otherwise it is read to its end.

    Returns:
        int16 [samples] at 16 kHz, at least one sample.

    Raises:
        UnusableAudio: If the file is missing, cannot be reached, is empty or not audio, holds no samples or values that
            are not finite, lasts longer than `longest` seconds, or ends too early. Its `reason` says which.
    """
    with opened(location, start, end, longest, must_reach_end) as (file, frames):
        return _pcm(file, frames, location)


def decode_bytes(content: bytes, name: str = "the audio", longest: float = LONGEST) -> np.ndarray:
    """Read the content of an audio file as 16 kHz mono PCM; see `decode`.

    Args:
        content: Content of a file of any format that `decode` reads.
        name: What errors call it.
        longest: Longest utterance in seconds.

    Returns:
        int16 [samples] at 16 kHz, at least one sample.

    Raises:
        UnusableAudio: See `decode`.
    """
    with opened(name, 0.0, None, longest, False, content) as (file, frames):
        return _pcm(file, frames, name)


def read_audio(
    location: Path | str,
    start: float = 0.0,
    end: float | None = None,
    longest: float = LONGEST,
    must_reach_end: bool = False,
) -> Audio:
    """Read an audio file, or a part of one, with its own sampling rate and channels.

    Args:
        location: See `decode`.
        start: See `decode`.
        end: See `decode`.
        longest: See `decode`.
        must_reach_end: See `decode`.

    Raises:
        UnusableAudio: See `decode`.
    """
    with opened(location, start, end, longest, must_reach_end) as (file, frames):
        return _audio(file, frames, location)


def to_pcm(audio: Audio) -> np.ndarray:
    """Convert audio to 16 kHz mono PCM; see `decode`.

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


def _pcm(file: AudioFile | Mp3, frames: int, location: Path | str) -> np.ndarray:
    if isinstance(file, Mp3) and file.samplerate == SAMPLE_RATE and file.channels == 1 and frames:
        return file.read_pcm(frames)[:, 0]
    if frames > block_of(file):
        return _long_pcm(file, frames, location)
    return to_pcm(_audio(file, frames, location))


def _audio(file: AudioFile | Mp3, frames: int, location: Path | str) -> Audio:
    channels = file.read_frames(frames)
    return Audio(channels, file.samplerate, f"{file.format} {file.subtype}", _peak(channels, location))


def _long_pcm(file: AudioFile | Mp3, frames: int, location: Path | str) -> np.ndarray:
    """The result of `to_pcm` without all frames in memory; slower, since the resampler works block by block."""
    rate = file.samplerate
    stream = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
    parts = []
    left = frames
    while left:
        block = file.read_frames(min(left, block_of(file)))
        # The header of a file that was cut off promises more frames than there are.
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


def _peak(channels: np.ndarray, location: Path | str) -> float:
    """The largest magnitude.

    Raises:
        UnusableAudio: If there are no samples, or any is not finite.
    """
    if channels.size == 0:
        raise UnusableAudio(location, "holds no samples")
    # The minimum and maximum of an array with NaN are NaN, so no second array is needed.
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
