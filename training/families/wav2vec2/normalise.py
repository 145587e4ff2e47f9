import keras
from keras import ops

VARIANCE_FLOOR = 1e-7


class WaveformNormalisation(keras.layers.Layer):
    """Brings each waveform to zero mean and unit variance over its own samples, and silences its padding.

    Always in float32: sixteen bits would lose the quiet half of a recording.
    """

    def __init__(self, enabled: bool = True, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.enabled = enabled

    def call(self, waveform, num_samples):
        """Normalise waveforms.

        Args:
            waveform: float32 [batch, samples]. Anything may stand behind a clip's end, NaN and infinity included.
            num_samples: int32 [batch], the length of each clip in samples.

        Returns:
            float32 [batch, samples], zero behind each clip's end.
        """
        valid = ops.arange(ops.shape(waveform)[1], dtype="int32")[None, :] < num_samples[:, None]
        zero = ops.zeros_like(waveform)
        # A product with a mask would keep NaN and infinity.
        waveform = ops.where(valid, waveform, zero)
        if not self.enabled:
            return waveform
        count = ops.cast(ops.maximum(num_samples, 1), "float32")[:, None]
        centred = ops.where(valid, waveform - ops.sum(waveform, axis=1, keepdims=True) / count, zero)
        variance = ops.sum(ops.square(centred), axis=1, keepdims=True) / count
        return centred * ops.rsqrt(variance + VARIANCE_FLOOR)
