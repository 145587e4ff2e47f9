"""The check before a bfloat16 export: the model must answer like its float32 counterpart.

Some processors compute bfloat16 wrongly (see `training.layers.convolution`), and some networks do not bear rounding.
"""

import numpy as np
import tensorflow as tf

from data_pipeline.errors import UserError
from training.run.recogniser import Recogniser

ALLOWED_DIFFERENCE = 1e-2
"""Largest mean change of the probabilities that rounding to bfloat16 causes in a wav2vec 2.0 network."""

ALLOWED_RATIO = 0.5
"""Largest change of the logits, divided by their variation between signals; both as root mean squares.

Rounding alone gave 0.02 to 0.28 in networks with random weights and up to 27 batch norms, although their probabilities
changed by up to 0.09. A network with one broken layer gave 0.9 to 5.4.
"""

_CLIPS, _SECONDS, _RATE = 8, 2, 16_000


def check_bfloat16(recogniser: Recogniser, exact: Recogniser) -> None:
    """Compare the answers for a fixed signal.

    Args:
        recogniser: The model in bfloat16.
        exact: The same model in float32.

    Raises:
        UserError: If the probabilities change by more than `ALLOWED_DIFFERENCE` on average over the clips, and the
            logits by more than `ALLOWED_RATIO` times their variation between clips.
    """
    waveform = speech_like_noise()
    num_samples = np.full(len(waveform), waveform.shape[1], "int32")
    # As graphs, which servers run: TensorFlow fuses operations in them.
    rounded, expected = (
        tf.function(each.__call__)(tf.constant(waveform), tf.constant(num_samples)).numpy()
        for each in (recogniser, exact)
    )
    difference = np.abs(rounded - expected).max(axis=1).mean()
    logits = _logits(expected)
    changed, varied = _root_mean_square(_logits(rounded) - logits), _root_mean_square(logits - logits.mean(axis=0))
    # NaN is within neither limit.
    if difference <= ALLOWED_DIFFERENCE or changed <= ALLOWED_RATIO * varied:
        return
    raise UserError(
        f"this model answers wrongly in bfloat16 on this machine (on a test signal its probabilities differ from "
        f"float32 by {difference:.2g} on average): export it as float32, or on another machine"
    )


def speech_like_noise() -> np.ndarray:
    """Clips of noise that swells and fades 2 to 6 times a second, as syllables do, with different spectra and levels.

    Returns:
        float32 [8, 32000], 16 kHz, full scale ±1; always the same.
    """
    random = np.random.default_rng(0)
    seconds = np.arange(_SECONDS * _RATE) / _RATE
    syllables, phases = random.uniform(2, 6, (_CLIPS, 1)), random.uniform(0, 1, (_CLIPS, 1))
    envelope = np.maximum(np.sin(2 * np.pi * (syllables * seconds + phases)), 0)
    # Spectra from flat to one that falls as steeply as that of a voice, by 12 dB an octave.
    slopes = np.linspace(0, 2, _CLIPS)[:, None]
    spectra = np.fft.rfft(random.normal(size=envelope.shape))
    spectra /= (1 + np.fft.rfftfreq(len(seconds), 1 / _RATE) / 300) ** slopes
    clips = envelope * np.fft.irfft(spectra)
    levels = random.permutation(np.geomspace(0.05, 0.9, _CLIPS))[:, None]
    return (levels * clips / np.abs(clips).max(axis=1, keepdims=True)).astype("float32")


def _logits(probabilities: np.ndarray) -> np.ndarray:
    """Logits with mean 0 over the classes."""
    logarithms = np.log(np.maximum(probabilities, 1e-7))
    return logarithms - logarithms.mean(axis=1, keepdims=True)


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))
