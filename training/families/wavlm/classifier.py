"""WavLM with a classification head."""

from collections.abc import Mapping
from typing import Any

import keras

from training.checkpoint.architectures import WAVLM
from training.families.wav2vec2.classifier import Wav2Vec2Classifier
from training.families.wavlm.settings import WavLMSettings


@keras.saving.register_keras_serializable("ser")
class WavLMClassifier(Wav2Vec2Classifier):
    """WavLM (Chen et al. 2021, arXiv:2110.13900) with a head, see `TransformerClassifier`."""

    architecture = WAVLM

    @classmethod
    def settings_of(cls, config: Mapping[str, Any], feature_extractor: Mapping[str, Any]) -> WavLMSettings:
        """See `TransformerClassifier`."""
        return WavLMSettings.from_config(config, bool(feature_extractor.get("do_normalize", True)))

    @classmethod
    def settings_from_dict(cls, settings: Mapping[str, Any]) -> WavLMSettings:
        """See `TransformerClassifier`."""
        return WavLMSettings.from_config(settings, settings["do_normalize"])
