"""Additive noise at a drawn signal-to-noise ratio: coloured noise, or excerpts of recordings."""

import functools
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from data_pipeline.audio.audio_files import audio_among
from data_pipeline.audio.decode import SAMPLE_RATE, UnusableAudio, decode
from data_pipeline.audio.fft_length import fft_length
from data_pipeline.errors import SetAside, UserError
from data_pipeline.storage import storage_for

_LONGEST_EXCERPT = 60.0
"""Seconds of each file that are used, so that a long file does not crowd out the others."""

_MOST_SECONDS = 1_800.0
"""Seconds of noise that are kept in memory: 58 MB."""

_FRAME = SAMPLE_RATE // 50
"""Number of samples over which a level is taken: 20 ms."""

_ACTIVE = 1e-3
"""Share of the power of the loudest frame above which a frame counts as speech: 30 dB below it."""

_LOWEST = 20.0
"""Frequency in Hz below which coloured noise has no power; brown noise would have most power there, inaudibly."""


def add_noise(waveform: tf.Tensor, noise: tf.Tensor, snr: float | tf.Tensor) -> tf.Tensor:
    """Add noise to a waveform.

    The power of the signal is that of its active frames (frames of 20 ms within 30 dB of the loudest), since pauses do
    not count for how well speech is heard (as in ITU-T P.56). Silence stays silence, and silent noise adds nothing.

    Args:
        waveform: float32 [samples].
        noise: float32 [samples] of any level.
        snr: Signal-to-noise ratio in decibels.

    Returns:
        float32 [samples].
    """
    power = active_power(waveform) * tf.pow(10.0, -snr / 10.0)
    return waveform + noise * tf.sqrt(tf.math.divide_no_nan(power, tf.reduce_mean(tf.square(noise))))


def active_power(waveform: tf.Tensor) -> tf.Tensor:
    """Mean power of the frames that are not pauses.

    Args:
        waveform: float32 [samples] at 16 kHz.

    Returns:
        float32 scalar; 0 for digital silence.
    """
    samples = tf.size(waveform)
    frames = -(-samples // _FRAME)
    padded = tf.reshape(tf.pad(waveform, [[0, frames * _FRAME - samples]]), [frames, _FRAME])
    # The mean of the last frame is over the samples that it has.
    held = tf.clip_by_value(samples - tf.range(frames) * _FRAME, 1, _FRAME)
    power = tf.reduce_sum(tf.square(padded), axis=1) / tf.cast(held, tf.float32)
    active = tf.cast(power >= _ACTIVE * tf.reduce_max(power), tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(power * active), tf.reduce_sum(active))


def coloured_noise(samples: int | tf.Tensor, exponent: float | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Gaussian noise whose power falls as 1 / frequency ** exponent (Timmer and König 1995, A&A 300, 707).

    Args:
        samples: Number of samples.
        exponent: 0 gives white, 1 pink, 2 brown noise; with a negative exponent the power rises.
        seed: int32 [2].

    Returns:
        float32 [samples] at 16 kHz, of an arbitrary level.
    """
    length = fft_length(samples)
    bins = length // 2 + 1
    parts = tf.random.stateless_normal([2, bins], seed)
    hertz = tf.cast(tf.range(bins), tf.float32) * (SAMPLE_RATE / tf.cast(length, tf.float32))
    weight = tf.where(hertz < _LOWEST, 0.0, tf.pow(tf.maximum(hertz, _LOWEST) / _LOWEST, -exponent / 2))
    return tf.signal.irfft(tf.complex(parts[0] * weight, parts[1] * weight), [length])[:samples]


@dataclass(frozen=True, eq=False)
class NoiseBank:
    """Recordings of noise, in memory.

    Attributes:
        samples: int16 [samples] at 16 kHz, one recording after the other.
        starts: int32 [recordings], the place of each in `samples`.
        lengths: int32 [recordings], the number of samples of each.
        files: Paths of the recordings below the folder.
        set_aside: Files of the folder that could not be used.
    """

    samples: tf.Tensor
    starts: np.ndarray
    lengths: np.ndarray
    files: tuple[str, ...]
    set_aside: tuple[SetAside, ...]

    @classmethod
    def open(cls, folder: str, seconds: float = _MOST_SECONDS) -> "NoiseBank":
        """Read the recordings of a folder and of the folders below it.

        Where there are more than fit, recordings are chosen with a fixed seed, so that they are the same on every
        machine with the same files.

        Args:
            folder: A path or a URL.
            seconds: Most seconds of noise to keep; of each recording the first minute is used.

        Raises:
            UserError: If the folder is missing or holds no usable recording.
        """
        storage = storage_for(folder)
        if storage.kind(folder) != "folder":
            raise UserError(f"{folder} is no folder: give a folder of noise recordings")
        files = audio_among(storage.walk(folder)).audio
        recordings: dict[str, np.ndarray] = {}
        set_aside = []
        left = round(seconds * SAMPLE_RATE)
        for index in np.random.default_rng(0).permutation(len(files)):
            file = files[index]
            if left <= 0:
                break
            try:
                pcm = decode(file.location, end=_LONGEST_EXCERPT, track="mix")[:left]
            except UnusableAudio as error:
                set_aside.append(SetAside(file.name, error.reason))
                continue
            if not pcm.any():
                set_aside.append(SetAside(file.name, "is silent"))
                continue
            recordings[file.name] = pcm
            left -= len(pcm)
        if not recordings:
            detail = f" ({len(set_aside)} unusable, such as {set_aside[0]})" if set_aside else ""
            raise UserError(f"{folder} holds no usable recording of noise{detail}: give a folder with audio files")
        lengths = np.array([len(pcm) for pcm in recordings.values()], np.int32)
        # The input pipeline runs on the CPU; it would fetch the samples from an accelerator in every epoch.
        with tf.device("CPU:0"):
            samples = tf.constant(np.concatenate(list(recordings.values())))
        starts = np.cumsum(lengths, dtype=np.int32) - lengths
        return cls(samples, starts, lengths, tuple(recordings), tuple(sorted(set_aside, key=str)))

    def excerpt(self, samples: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """An excerpt of one recording, which is repeated where it is too short.

        Args:
            samples: Number of samples.
            seed: int32 [2]; recordings are drawn in proportion to their length.

        Returns:
            float32 [samples], full scale ±1.
        """
        place_seed, offset_seed = tf.unstack(tf.random.split(seed, 2))
        place = tf.random.stateless_uniform([], place_seed, 0, int(self.lengths.sum()), tf.int32)
        number = tf.searchsorted(self.starts, [place], side="right")[0] - 1
        start, length = tf.gather(self.starts, number), tf.gather(self.lengths, number)
        latest = tf.maximum(length - samples, 0)
        start += tf.random.stateless_uniform([], offset_seed, 0, latest + 1, tf.int32)
        stretch = self.samples[start : start + tf.minimum(length, samples)]
        stretch = tf.tile(stretch, [-(-samples // tf.size(stretch))])[:samples]
        return tf.cast(stretch, tf.float32) / 32_768.0


@functools.lru_cache(maxsize=1)
def noise_bank(folder: str) -> NoiseBank:
    """The result of `NoiseBank.open`, kept for the process, since every epoch asks for it again."""
    return NoiseBank.open(folder)
