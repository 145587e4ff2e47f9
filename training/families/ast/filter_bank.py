"""Kaldi's log-mel filter bank, as the reference's feature extractor computes it."""

import keras
import numpy as np
from keras import ops

from data_pipeline.audio.decode import SAMPLE_RATE
from training.families.ast.settings import HOP, WINDOW, AstSettings

_FFT = 512

_LOWEST = 20.0
"""Lower edge of the lowest filter in Hz."""

_PREEMPHASIS = 0.97

_SMALLEST = 1.192092955078125e-07
"""Energies are raised to this value before their logarithm is taken: the step of float32 at 1."""


class FilterBank(keras.layers.Layer):
    """Normalised log-mels of a clip; the frames after its end are the reference's, which appends zeros to the log-mels.

    Args:
        settings: Shape of the network.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, settings: AstSettings, **kwargs) -> None:
        # In float32 under any policy: a 16-bit spectrum has no quiet bands.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.mean, self.std = settings.mean, settings.std
        self.transform = frame_transform()
        self.filters = kaldi_filters(settings.num_mel_bins)

    def build(self, input_shape=None):
        """Create nothing: this layer has no weights."""

    def call(self, waveform, num_samples):
        """Compute log-mels.

        Args:
            waveform: float32 [batch, samples] at 16 kHz, zero after each clip's end.
            num_samples: int32 [batch].

        Returns:
            float32 [batch, frames, bands] and the number of each clip's own frames, int32 [batch], at least 1.
        """
        samples = ops.shape(waveform)[1]
        frames = own_frames(samples)
        missing = (frames - 1) * HOP + WINDOW - samples
        missing = max(missing, 0) if isinstance(missing, int) else ops.maximum(missing, 0)
        sequences = ops.extract_sequences(ops.pad(waveform, [[0, 0], [0, missing]]), WINDOW, HOP)
        spectrum = ops.matmul(sequences, self.transform)
        real, imaginary = ops.split(spectrum, 2, axis=-1)
        energies = ops.matmul(ops.square(real) + ops.square(imaginary), self.filters)
        levels = ops.log(ops.maximum(energies, _SMALLEST))
        count = own_frames(num_samples)
        own = (ops.arange(ops.shape(levels)[1], dtype="int32")[None, :] < count[:, None])[:, :, None]
        return (ops.where(own, levels, ops.zeros_like(levels)) - self.mean) / (2 * self.std), count


def own_frames(samples):
    """Number of whole frames in so many samples, at least 1."""
    if isinstance(samples, int):
        return max((samples - WINDOW) // HOP + 1, 1)
    return ops.maximum((samples - WINDOW) // HOP + 1, 1)


def frame_transform() -> np.ndarray:
    """What is done to a frame as one matrix: its mean removed, pre-emphasis, a Hann window, and the Fourier transform.

    Returns:
        float32 [samples, 2 x frequencies], for the real and then for the imaginary parts.
    """
    centring = np.eye(WINDOW) - 1 / WINDOW
    emphasis = np.eye(WINDOW) - _PREEMPHASIS * np.eye(WINDOW, k=-1)
    # Kaldi takes the first sample for the one before it.
    emphasis[0, 0] -= _PREEMPHASIS
    windowed = np.hanning(WINDOW)[:, None] * (emphasis @ centring)
    spectrum = np.fft.rfft(windowed, _FFT, axis=0)
    return np.concatenate([spectrum.real, spectrum.imag]).T.astype(np.float32)


def kaldi_filters(num_mel_bins: int) -> np.ndarray:
    """Triangular filters of equal height, whose sides are straight on the mel scale of the HTK Book (Young et al.).

    Args:
        num_mel_bins: Number of filters.

    Returns:
        float32 [frequencies, bands]: the weight of each of the 257 frequencies in each band.
    """

    def mel(frequencies):
        return 1127.0 * np.log1p(np.asarray(frequencies) / 700.0)

    edges = np.linspace(mel(_LOWEST), mel(SAMPLE_RATE / 2), num_mel_bins + 2)
    places = mel(np.arange(_FFT // 2 + 1) * SAMPLE_RATE / _FFT)[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((places - low) / (centre - low), (high - places) / (high - centre))
    return np.maximum(triangles, 0).astype(np.float32)
