"""Audio in memory: what its values mean, or why nobody can tell.

An array does not say its scale, the order of its axes or its rate. Nothing is guessed: what is not surely audio of the
stated form is refused with the likely cause, since a model answers anything with confidence.
"""

import numbers
from dataclasses import dataclass

import numpy as np

from data_pipeline.audio.audio_file import RATES, UnusableAudio
from data_pipeline.audio.decode import Audio, scale_problem, to_pcm
from data_pipeline.audio.limits import LONGEST
from data_pipeline.audio.one_track import DifferentChannels
from data_pipeline.audio.track import Track

_MOST_CHANNELS = 32
"""Largest number of channels of a recording; conference systems have up to 16."""

_LARGEST_24_BIT = 2**23
"""Magnitude that some sample in 32 bits must exceed. An array that stays below holds samples of 16 or 24 bits in a
wider type, and was not scaled to it."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Audio in memory.

    Attributes:
        values: [samples] or [samples, channels]; floats with full scale ±1, or signed integers of 8, 16 or 32 bits with
            the full scale of their type.
        rate: Sampling rate in Hz.
    """

    values: np.ndarray
    rate: int


class NotSamples(UnusableAudio):
    """Values or a rate that cannot be audio."""

    def __init__(self, reason: str) -> None:
        super().__init__("the audio", reason)


def pcm_of_samples(samples: Samples, track: Track | None = None) -> np.ndarray:
    """Convert audio in memory to 16 kHz mono PCM, by the rules that files follow.

    Args:
        samples: The audio.
        track: The channel to take from several, or None to take channels that are the same.

    Returns:
        int16 [samples] at 16 kHz, at least one sample.

    Raises:
        UnusableAudio: If values or rate cannot be what `Samples` says, there are none or too many, or channels differ
            and none is chosen.
    """
    rate = checked_rate(samples.rate)
    array = _array(samples.values)
    if array.ndim == 2 and array.shape[0] < array.shape[1]:
        raise _transposed(array)
    if len(array) > LONGEST * rate:
        raise NotSamples(f"lasts longer than {LONGEST:g} s: cut it into utterances")
    if not array.size:
        raise NotSamples("holds no samples")
    if array.dtype == np.int32 and (peak := _peak(array)) <= _LARGEST_24_BIT:
        raise NotSamples(
            f"holds samples of 32 bits of which none exceeds {peak:,}, as samples of fewer bits do: "
            f"divide them by {2**15 if peak <= 2**15 else _LARGEST_24_BIT:,} and give floats"
        )
    channels = scaled(array)
    try:
        return to_pcm(Audio(channels, rate, "samples", float(np.abs(channels).max())), track)
    except DifferentChannels as error:
        raise NotSamples(str(error)) from error


def checked_rate(rate: object) -> int:
    """A sampling rate, if it is one.

    Args:
        rate: A whole number of Hz, from 1,000 to 768,000.

    Raises:
        NotSamples: If it is not.
    """
    if isinstance(rate, numbers.Real) and not isinstance(rate, bool):
        hertz = float(rate)
        if hertz.is_integer() and int(hertz) in RATES:
            return int(hertz)
        if round(1_000 * hertz, 6) in RATES:
            raise NotSamples(f"has a sampling rate of {hertz:g} Hz: if kilohertz are meant, give {1_000 * hertz:g}")
    raise NotSamples(
        f"has a sampling rate of {rate!r}: give a whole number of Hz from {RATES.start:,} to {RATES.stop - 1:,}"
    )


def piece_of_stream(values: object) -> np.ndarray:
    """The next samples of a stream as channels with full scale ±1.

    Args:
        values: [samples] or [samples, channels], any number of samples; floats with full scale ±1, or int16. Wider
            integers are refused: a quiet piece does not show their scale.

    Returns:
        float32 [samples, channels].

    Raises:
        NotSamples: If the values cannot be audio of that form.
    """
    array = _array(values)
    if array.dtype.kind == "i" and array.dtype != np.int16:
        raise NotSamples(f"holds {array.dtype} samples: give a stream as int16, or as floats with full scale ±1")
    return scaled(array)


def scaled(array: np.ndarray) -> np.ndarray:
    """Samples as channels with full scale ±1.

    Args:
        array: [samples] or [samples, channels] of floats, or of integers with the full scale of their type.

    Returns:
        float32 [samples, channels].

    Raises:
        NotSamples: If floats are not finite or not in that scale.
    """
    if array.dtype.kind == "i":
        channels = (array / -float(np.iinfo(array.dtype).min)).astype(np.float32)
    else:
        # Before they become float32, in which the largest float64 would be infinite.
        if not np.isfinite(array).all():
            raise NotSamples("holds samples that are not finite numbers")
        if array.size and (problem := scale_problem(float(np.abs(array).max()))):
            raise NotSamples(f"holds samples that {problem}")
        channels = array.astype(np.float32)
    return channels[:, np.newaxis] if channels.ndim == 1 else channels


def _array(values: object) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise NotSamples("is no array: give numbers of shape [samples] or [samples, channels]") from error
    if array.ndim == 2 and array.shape[1] > _MOST_CHANNELS:
        raise _transposed(array)
    if array.ndim not in (1, 2) or not all(array.shape[1:]):
        raise NotSamples(f"has the shape {list(array.shape)}: give [samples] or [samples, channels]")
    if array.dtype.kind != "f" and array.dtype not in (np.int8, np.int16, np.int32):
        raise NotSamples(f"holds {array.dtype} samples: give floats with full scale ±1, or int16")
    return array


def _transposed(array: np.ndarray) -> NotSamples:
    return NotSamples(
        f"has the shape {list(array.shape)}, which looks like [channels, samples]: transpose it to [samples, channels]"
    )


def _peak(array: np.ndarray) -> int:
    # As integers of Python, since the magnitude of the smallest value does not fit into its type.
    return max(int(array.max()), -int(array.min()))
