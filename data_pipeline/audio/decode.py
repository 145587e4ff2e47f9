"""From an audio file to 16 kHz mono PCM."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline.audio.audio_file import UnusableAudio, Utterance, opened
from data_pipeline.audio.formats.mp3 import Mp3
from data_pipeline.audio.limits import LONGEST, LOUDEST
from data_pipeline.audio.one_track import DifferentChannels, TrackChooser
from data_pipeline.audio.resample import SAMPLE_RATE, Resampler, resampled
from data_pipeline.audio.track import Track

__all__ = [
    "LONGEST",
    "LOUDEST",
    "SAMPLE_RATE",
    "Audio",
    "Decoded",
    "UnusableAudio",
    "decode",
    "decode_bytes",
    "decode_utterance",
    "padded_batch",
    "read_audio",
    "scale_problem",
    "to_pcm",
]

_NO_SAMPLES = "holds no samples"

_SCALES = (2**15, 2**23, 2**31)
"""Full scales of integer samples of 16, 24 and 32 bits."""

_SMALLEST_SCALE = 2**7
"""Full scale of integer samples of 8 bits."""


@dataclass(frozen=True, slots=True)
class Audio:
    """The samples of a file, before anything is done to them.

    Attributes:
        channels: float32 [frames, channels], full scale ±1, at least one frame.
        rate: Sampling rate in Hz.
        format: Name of the container and of the coding, such as `WAV PCM_16`.
        peak: Largest magnitude of all samples.
        is_cut_off: Whether the file ends before its header or its structure says.
    """

    channels: np.ndarray
    rate: int
    format: str
    peak: float
    is_cut_off: bool = False


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was read of a file.

    Attributes:
        pcm: int16 [samples] at 16 kHz, at least one sample.
        is_cut_off: Whether the file ends before its header or its structure says; the samples are those that are there.
    """

    pcm: np.ndarray
    is_cut_off: bool


def decode(
    location: Path | str,
    start: float = 0.0,
    end: float | None = None,
    longest: float = LONGEST,
    must_reach_end: bool = False,
    track: Track | None = None,
) -> np.ndarray:
    """Read an audio file, or a part of one, as 16 kHz mono PCM; see `decode_utterance`.

    Args:
        location: See `decode_utterance`.
        start: See `decode_utterance`.
        end: See `decode_utterance`.
        longest: See `decode_utterance`.
        must_reach_end: See `decode_utterance`.
        track: See `decode_utterance`.

    Returns:
        int16 [samples] at 16 kHz, at least one sample.

    Raises:
        UnusableAudio: See `decode_utterance`.
    """
    return decode_utterance(location, start, end, longest, must_reach_end, track).pcm


def decode_utterance(
    location: Path | str,
    start: float = 0.0,
    end: float | None = None,
    longest: float = LONGEST,
    must_reach_end: bool = False,
    track: Track | None = None,
) -> Decoded:
    """Read an audio file, or a part of one, as 16 kHz mono PCM.

    The container and codec are recognised by content, so an MP3 named `.wav` is read as an MP3; `docs/data.md` has the
    table of what is read, and with which finding. Channels that are the same are averaged; channels that differ are
    refused unless one is chosen. 8 kHz are doubled by `half_band`, as in training and in exported models; other
    sampling rates are converted by soxr at its HQ setting (20 bits). Samples slightly beyond full scale are clipped.
    Memory grows with the samples returned, not with the file's rate, channels or what lies before `start`; only a
    remote file is held whole.

    Args:
        location: A path or a URL of an audio file, or of a video with sound.
        start: Seconds into the file at which to begin.
        end: Seconds into the file at which to stop, or None for its end.
        longest: Longest utterance in seconds; a longer one is refused unread, if the file states its length.
        must_reach_end: Whether a file that stops well before `end` is refused; otherwise it is read to its end.
        track: The channel to take from several, or None to take channels that are the same.

    Raises:
        UnusableAudio: If the file is missing, cannot be reached, is empty or not audio, holds no samples, values that
            are not finite or in another scale, or channels that differ, lasts longer than `longest` seconds, or ends
            too early. Its `reason` says which.
    """
    with opened(location, start, end, longest, must_reach_end) as utterance:
        return _decoded(utterance, location, track)


def decode_bytes(
    content: bytes, name: str = "the audio", longest: float = LONGEST, track: Track | None = None
) -> Decoded:
    """Read the content of an audio file as 16 kHz mono PCM; see `decode_utterance`.

    Args:
        content: Content of a file of any format that `decode` reads.
        name: What errors call it.
        longest: Longest utterance in seconds.
        track: See `decode_utterance`.

    Raises:
        UnusableAudio: See `decode_utterance`.
    """
    with opened(name, 0.0, None, longest, False, content) as utterance:
        return _decoded(utterance, name, track)


def read_audio(
    location: Path | str,
    start: float = 0.0,
    end: float | None = None,
    longest: float = LONGEST,
    must_reach_end: bool = False,
) -> Audio:
    """Read an audio file, or a part of one, with its own sampling rate and channels.

    Args:
        location: See `decode_utterance`.
        start: See `decode_utterance`.
        end: See `decode_utterance`.
        longest: See `decode_utterance`.
        must_reach_end: See `decode_utterance`.

    Raises:
        UnusableAudio: See `decode_utterance`; channels that differ are not refused.
    """
    with opened(location, start, end, longest, must_reach_end) as utterance:
        return _audio(utterance, location)


def to_pcm(audio: Audio, track: Track | None = None) -> np.ndarray:
    """Convert audio to 16 kHz mono PCM; see `decode_utterance`.

    Returns:
        int16 [samples], at least one sample.

    Raises:
        DifferentChannels: If the channels differ and none is chosen.
    """
    chooser = TrackChooser(track)
    waveform = chooser.mono(audio.channels)
    chooser.check()
    waveform = resampled(waveform, audio.rate)
    # Averaging channels makes nothing louder, but a filter overshoots.
    pcm = _quantised(waveform, clip=audio.rate != SAMPLE_RATE or audio.peak > 32_767 / 32_768)
    return pcm if pcm.size else np.zeros(1, np.int16)


def scale_problem(peak: float) -> str | None:
    """What is wrong with the scale of samples whose full scale should be ±1.

    Args:
        peak: Largest magnitude.

    Returns:
        The likely cause and the remedy, worded to follow `samples that`, or None if nothing is wrong.
    """
    if peak <= LOUDEST:
        return None
    # What stays below the largest 8-bit number may as well have been standardised or amplified.
    scale = next((scale for scale in _SCALES if _SMALLEST_SCALE < peak <= LOUDEST * scale), None)
    remedy = f"divide by {scale:,}" if scale else "scale them so that the loudest sample is at most 1"
    return f"reach {peak:,.4g}, where full scale is ±1: {remedy}"


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


def _decoded(utterance: Utterance, location: Path | str, track: Track | None) -> Decoded:
    try:
        pcm = _pcm(utterance, location, track)
    except DifferentChannels as error:
        raise UnusableAudio(location, str(error)) from error
    return Decoded(pcm, utterance.file.is_cut_off and utterance.reaches_end)


def _pcm(utterance: Utterance, location: Path | str, track: Track | None) -> np.ndarray:
    file, frames = utterance.file, utterance.frames
    if isinstance(file, Mp3) and file.samplerate == SAMPLE_RATE and file.channels == 1 and frames:
        return file.read_pcm(frames)[:, 0]
    return to_pcm(_audio(utterance, location), track) if utterance.is_small else _long_pcm(utterance, location, track)


def _audio(utterance: Utterance, location: Path | str) -> Audio:
    blocks = list(utterance.blocks())
    # After reading, since a second decoder may have taken over.
    file = utterance.file
    channels = blocks[0] if len(blocks) == 1 else np.concatenate([np.zeros((0, file.channels), np.float32), *blocks])
    peak = _peak(channels, location)
    return Audio(channels, file.samplerate, f"{file.format} {file.subtype}", peak, file.is_cut_off)


def _long_pcm(utterance: Utterance, location: Path | str, track: Track | None) -> np.ndarray:
    """The result of `to_pcm` without all frames in memory; slower, since the resampler works block by block."""
    chooser, resampler = TrackChooser(track), Resampler(utterance.file.samplerate)
    parts = []
    for block in utterance.blocks():
        _peak(block, location)
        parts.append(_quantised(resampler.add(chooser.mono(block))))
    if not parts:
        raise UnusableAudio(location, _NO_SAMPLES)
    chooser.check()
    pcm = np.concatenate([*parts, _quantised(resampler.finish())])
    return pcm if pcm.size else np.zeros(1, np.int16)


def _peak(channels: np.ndarray, location: Path | str) -> float:
    """The largest magnitude.

    Raises:
        UnusableAudio: If there are no samples, any is not finite, or they are in another scale.
    """
    if channels.size == 0:
        raise UnusableAudio(location, _NO_SAMPLES)
    # The minimum and maximum of an array with NaN are NaN, so no second array is needed.
    low, high = float(channels.min()), float(channels.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UnusableAudio(location, "holds samples that are not finite numbers")
    peak = max(-low, high)
    if problem := scale_problem(peak):
        raise UnusableAudio(location, f"holds samples that {problem}")
    return peak


def _quantised(waveform: np.ndarray, clip: bool = True) -> np.ndarray:
    scaled = waveform * np.float32(32_768)
    np.rint(scaled, out=scaled)
    if clip:
        np.clip(scaled, -32_768, 32_767, out=scaled)
    return scaled.astype(np.int16)
