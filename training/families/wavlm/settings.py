"""The shape of WavLM. This module needs neither Keras nor TensorFlow."""

from dataclasses import dataclass

from training.families.wav2vec2.settings import Wav2Vec2Settings


@dataclass(frozen=True, slots=True)
class WavLMSettings(Wav2Vec2Settings):
    """Shape and regularisation of WavLM, by default those of the base model; see `Wav2Vec2Settings`."""

    num_buckets: int = 320

    @classmethod
    def model_types(cls) -> tuple[str, ...]:
        """See `Wav2Vec2Settings`."""
        return ("wavlm",)
