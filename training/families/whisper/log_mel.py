"""Whisper's log-mel spectrogram, as the reference's feature extractor computes it of a clip of 30 s."""

import keras
import numpy as np
from keras import ops

from data_pipeline.audio.decode import SAMPLE_RATE
from training.families.whisper.settings import HOP, STRIDE, TAIL, WINDOW

_SMALLEST = 1e-10
"""Powers are raised to this value before their logarithm is taken (the reference's `mel_floor`)."""

_RANGE = 8.0
"""Levels more than this below the clip's highest, in powers of ten, are raised to it: 80 dB."""

_OFFSET, _SCALE = 4.0, 4.0
"""What is added to the logarithms, and what they are divided by."""


class WhisperLogMel(keras.layers.Layer):
    """Log-mel spectrograms that depend on the clip alone.

    The reference appends silence up to 30 s and normalises by the highest level of the whole. That level is the same
    over the clip's own frames, so that all of a clip's frames equal the reference's first ones.

    Args:
        num_mel_bins: Number of mel bands.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, num_mel_bins: int, **kwargs) -> None:
        # In float32 under any policy: a 16-bit spectrum has no quiet bands.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.num_mel_bins = num_mel_bins
        self.filters = slaney_filters(num_mel_bins)

    def build(self, input_shape=None):
        """Create nothing: this layer has no weights."""

    def call(self, waveform, num_samples):
        """Compute spectrograms.

        Args:
            waveform: float32 [batch, samples] at 16 kHz, zero after each clip's end.
            num_samples: int32 [batch].

        Returns:
            float32 [batch, frames, bands], zero after each clip's own frames, and the number of these, int32 [batch].
            They are even, and include those of 0.5 s of silence after the clip.
        """
        samples = ops.shape(waveform)[1]
        frames = _frames(samples)
        # The frames are centred on multiples of the hop. Before its beginning, a clip is mirrored.
        beginning = ops.flip(ops.pad(waveform, [[0, 0], [0, WINDOW // 2 + 1]])[:, 1 : WINDOW // 2 + 1], axis=1)
        ending = (frames - 1) * HOP + WINDOW // 2 - samples
        padded = ops.concatenate([beginning, ops.pad(waveform, [[0, 0], [0, ending]])], axis=1)
        real, imaginary = ops.stft(padded, WINDOW, HOP, WINDOW, window="hann", center=False)
        power = ops.square(real) + ops.square(imaginary)
        levels = ops.log(ops.maximum(ops.matmul(power, self.filters), _SMALLEST)) / float(np.log(10))
        count = _frames(num_samples)
        own = (ops.arange(frames, dtype="int32")[None, :] < count[:, None])[:, :, None]
        highest = ops.max(ops.where(own, levels, -np.inf), axis=(1, 2), keepdims=True)
        levels = (ops.maximum(levels, highest - _RANGE) + _OFFSET) / _SCALE
        return ops.where(own, levels, ops.zeros_like(levels)), count


def slaney_filters(num_mel_bins: int) -> np.ndarray:
    """Triangular filters of equal area on the mel scale of Slaney's Auditory Toolbox (1998), up to 8 kHz.

    The scale is linear up to 1 kHz, with 3 / 200 mel for each Hz, and logarithmic above, with 27 mel for a factor of
    6.4. The reference and librosa have the same filters.

    Args:
        num_mel_bins: Number of filters.

    Returns:
        float32 [frequencies, bands]: the weight of each of the 201 frequencies in each band.
    """
    corner, mel_of_corner, step = 1_000.0, 15.0, np.log(6.4) / 27
    highest = mel_of_corner + np.log(SAMPLE_RATE / 2 / corner) / step
    mels = np.linspace(0.0, highest, num_mel_bins + 2)
    edges = np.where(
        mels < mel_of_corner, mels * corner / mel_of_corner, corner * np.exp(step * (mels - mel_of_corner))
    )
    frequencies = np.linspace(0.0, SAMPLE_RATE / 2, WINDOW // 2 + 1)[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (frequencies - low) / (centre - low), (high - frequencies) / (high - centre)
    return (np.maximum(np.minimum(rising, falling), 0) * 2 / (high - low)).astype(np.float32)


def _frames(samples):
    """Number of frames of a clip, with those of the silence after it: STRIDE for each frame of the encoder."""
    return (samples + TAIL + HOP * STRIDE - 1) // (HOP * STRIDE) * STRIDE
