"""Each random change by itself, at a strength that can be seen and heard, for `ser data plot --augment`."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.log_mel import LogMelSettings, log_mel, num_frames
from data_pipeline.audio.telephone import TelephoneSettings, telephone
from data_pipeline.augment.edges import fade, random_crop, trim_silence
from data_pipeline.augment.noise import add_noise, coloured_noise
from data_pipeline.augment.reverberation import reverberate
from data_pipeline.augment.settings import AugmentSettings
from data_pipeline.augment.spectrograms import blend, mask_spectrogram
from data_pipeline.augment.speed import change_speed

_Example = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

_SHARE = 0.7
"""Share of the clip itself in the mixup that is shown."""


def examples(waveform: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Apply each change of waveforms to a waveform.

    Args:
        waveform: float32 [samples] at 16 kHz, full scale ±1.
        seed: Decides what is drawn.

    Returns:
        Changed waveforms by the title of the change (`Speed × 1.10`, `Telephone, µ-law`), float32 at 16 kHz, of about
        the same length. The first is `Original`.
    """
    changed = {
        title: example(tf.constant(waveform, tf.float32), tf.constant([seed, number], tf.int32)).numpy()
        for number, (title, example) in enumerate(_EXAMPLES.items())
    }
    return {"Original": np.asarray(waveform, np.float32), **changed}


def spectrogram_examples(
    waveform: np.ndarray, neighbour: np.ndarray, settings: LogMelSettings, seed: int = 0
) -> dict[str, np.ndarray]:
    """Apply each change of spectrograms to the log-mel spectrogram of a waveform.

    Args:
        waveform: float32 [samples] at 16 kHz, full scale ±1.
        neighbour: float32 [samples] at 16 kHz; the clip that mixup blends it with.
        settings: Settings of the spectrograms.
        seed: Decides what is drawn.

    Returns:
        Log-mel spectrograms by the title of the change (`SpecAugment`, `Mixup, 70 %`), float32 [frames, bands]. The
        first is `Original`.
    """
    original = log_mel(tf.constant(waveform, tf.float32), settings)
    other = log_mel(tf.constant(neighbour, tf.float32), settings)
    longer = max(num_frames(len(waveform), settings), num_frames(len(neighbour), settings))
    one, another = (
        tf.pad(spectrogram, [[0, longer - spectrogram.shape[0]], [0, 0]], constant_values=settings.floor)
        for spectrogram in (original, other)
    )
    return {
        "Original": original.numpy(),
        "SpecAugment": mask_spectrogram(original, AugmentSettings(), tf.constant([seed, 0], tf.int32)).numpy(),
        f"Mixup, {_SHARE:.0%}".replace("%", " %"): blend(one, another, _SHARE).numpy(),
    }


def _seconds(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


def _noise(exponent: float, snr: float) -> _Example:
    return lambda waveform, seed: add_noise(waveform, coloured_noise(tf.size(waveform), exponent, seed), snr)


def _call(settings: TelephoneSettings) -> _Example:
    return lambda waveform, seed: telephone(waveform, settings, seed)


_EXAMPLES: dict[str, _Example] = {
    "Silence trimmed, 30 dB": lambda waveform, _: trim_silence(waveform, 30.0),
    "Speed × 0.90": lambda waveform, _: change_speed(waveform, 90),
    "Speed × 1.10": lambda waveform, _: change_speed(waveform, 110),
    "Shift": lambda waveform, seed: random_crop(waveform, tf.size(waveform), _seconds(0.3), seed),
    "Fades, 100 ms": lambda waveform, _: fade(waveform, _seconds(0.1)),
    "Gain − 6 dB": lambda waveform, _: waveform * 10 ** (-6 / 20),
    "Room, RT60 0.6 s": lambda waveform, seed: reverberate(waveform, 0.6, 0.0, seed, longest=0.6),
    "White noise, 10 dB": _noise(0.0, 10.0),
    "Pink noise, 10 dB": _noise(1.0, 10.0),
    "Brown noise, 10 dB": _noise(2.0, 10.0),
    "Telephone, µ-law": _call(TelephoneSettings("mulaw")),
    "Telephone, A-law, 10 % of packets lost": _call(TelephoneSettings("alaw", 0.1)),
}
