"""Measurements of one recording, on which all judgements about it rest."""

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE, Audio, UnusableAudio, read_audio, to_pcm
from data_pipeline.audio.limits import SILENCE
from data_pipeline.audio.one_track import DifferentChannels
from data_pipeline.audio.track import Track
from data_pipeline.quality.fingerprint import fingerprint
from data_pipeline.quality.recording import Recording
from data_pipeline.quality.unusable import unusable_reason

FLOOR = -120.0
"""Level given to digital silence in dB of full scale, below the smallest step of 16 bits (-90)."""

_FULL_SCALE = {
    "PCM_S8": 127 / 128,
    "PCM_U8": 127 / 128,
    "ULAW": 32_124 / 32_768,
    "ALAW": 32_256 / 32_768,
}
"""Largest positive value of codings that stop short of 1 (for the last two, ITU-T G.711)."""

_NEARLY_ONE = 0.9995
"""Full scale of every other coding: 0.004 dB below 1, since lossy codings do not reproduce it exactly."""

_FRAME = SAMPLE_RATE // 50
"""Number of samples of a frame: 20 ms, over which power is averaged before pauses are told from speech."""

_MARGIN = 15.9
"""Decibels below the speech level below which a frame counts as a pause: ITU-T P.56 (2011), method B."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured of one recording.

    Attributes:
        failure: Why it could not be decoded, worded to follow the file's name; empty if it was decoded. With a failure,
            no other attribute has a meaning.
        unusable_reason: Why `prepare` sets it aside although it could be decoded; see
            `unusable.unusable_reason`; empty if it does not.
        seconds: Duration in seconds.
        rate: Sampling rate of the file in Hz.
        channels: Number of channels of the file.
        format: libsndfile's name of container and coding (`WAV PCM_16`).
        peak: Largest magnitude in dB of full scale.
        level: Active speech level in dB of full scale (a square wave at full scale has 0).
        full_scale: Share of samples at full scale.
        longest_clip: Largest number of full-scale samples in a row in one channel.
        offset: Mean of the channel whose mean is farthest from zero; full scale is 1.
        zeros: Share of moments at which every channel is exactly zero.
        dead_channels: Number of channels that are silent while another is not.
        cut_off: Whether the file ends before its header or its structure says.
        digest: SHA-256 of the 16 kHz PCM in hexadecimal.
        fingerprint: See `fingerprint.fingerprint`; empty if the recording is too short or silent.
    """

    failure: str = ""
    unusable_reason: str = ""
    seconds: float = 0.0
    rate: int = 0
    channels: int = 0
    format: str = ""
    peak: float = FLOOR
    level: float = FLOOR
    full_scale: float = 0.0
    longest_clip: int = 0
    offset: float = 0.0
    zeros: float = 0.0
    dead_channels: int = 0
    cut_off: bool = False
    digest: str = ""
    fingerprint: bytes = b""


def measure(recording: Recording) -> Measurement:
    """Decode and measure one recording; no content makes it fail.

    Args:
        recording: The recording.
    """
    try:
        audio = read_audio(recording.location, recording.start, recording.end, must_reach_end=True)
        return measure_audio(audio, recording.track)
    except UnusableAudio as error:
        return Measurement(failure=error.reason)
    # Unforeseen content of one file must not end the check of all others.
    except Exception as error:
        suffix = PurePosixPath(recording.location).suffix
        return Measurement(failure=f"cannot be decoded as {suffix or 'audio'} ({type(error).__name__}: {error})")


def measure_audio(audio: Audio, track: Track | None = None) -> Measurement:
    """Measure decoded audio.

    Args:
        audio: Audio with finite samples.
        track: Channel that is to be used, or None to take channels that are the same.
    """
    try:
        pcm = to_pcm(audio, track)
        reason = unusable_reason(pcm) or ""
    except DifferentChannels as error:
        pcm = to_pcm(audio, "mix")
        reason = str(error)
    magnitude = np.abs(audio.channels)
    full = magnitude >= _FULL_SCALE.get(audio.format.rpartition(" ")[2], _NEARLY_ONE)
    alive = magnitude.max(axis=0) >= SILENCE / 32_768
    means = audio.channels.mean(axis=0, dtype=np.float64)
    return Measurement(
        unusable_reason=reason,
        seconds=len(audio.channels) / audio.rate,
        rate=audio.rate,
        channels=audio.channels.shape[1],
        format=audio.format,
        peak=_decibels(float(magnitude.max()) ** 2),
        level=active_level(pcm),
        full_scale=float(full.mean()),
        longest_clip=max(longest_run(channel) for channel in full.T),
        offset=float(means[np.abs(means).argmax()]),
        zeros=float((magnitude.max(axis=1) == 0).mean()),
        dead_channels=int((~alive).sum()) if alive.any() else 0,
        cut_off=audio.is_cut_off,
        digest=hashlib.sha256(pcm.tobytes()).hexdigest(),
        fingerprint=fingerprint(pcm),
    )


def active_level(pcm: np.ndarray) -> float:
    """The level of the speech in a recording, without pauses.

    It follows the idea of ITU-T P.56, method B, on frames of 20 ms: the mean power of the frames that are less than
    15.9 dB below that mean.

    Args:
        pcm: int16 [samples] at 16 kHz, at least one.

    Returns:
        Level in dB of full scale, at least `FLOOR`.
    """
    waveform = pcm.astype(np.float32) / 32_768
    # A DC offset would count as speech.
    waveform -= waveform.mean()
    edges = np.arange(0, len(waveform), _FRAME)
    power = np.add.reduceat(np.square(waveform), edges) / np.diff(np.append(edges, len(waveform)))
    # Each step can only drop frames, so the loop ends.
    while True:
        active = power[power > power.mean() * 10 ** (-_MARGIN / 10)]
        if active.size in (0, power.size):
            return _decibels(float(power.mean()))
        power = active


def longest_run(flags: np.ndarray) -> int:
    """Largest number of true values in a row.

    Args:
        flags: bool [values].
    """
    places = np.flatnonzero(flags)
    if places.size == 0:
        return 0
    breaks = np.flatnonzero(np.diff(places) > 1)
    return int(np.diff(np.concatenate(([-1], breaks, [places.size - 1]))).max())


def _decibels(power: float) -> float:
    return max(FLOOR, 10 * float(np.log10(max(power, 1e-300))))
