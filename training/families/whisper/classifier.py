"""Whisper's encoder with a classification head."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from data_pipeline.errors import UserError
from training.checkpoint.architectures import WHISPER
from training.families.transformer.classifier import TransformerClassifier
from training.families.whisper.backbone import WhisperBackbone
from training.families.whisper.settings import WhisperSettings
from training.families.whisper.state import load_state, state_arrays


@keras.saving.register_keras_serializable("ser")
class WhisperClassifier(TransformerClassifier):
    """Whisper's encoder with a head, see `TransformerClassifier`."""

    architecture = WHISPER
    backbone: WhisperBackbone

    def make_backbone(self, settings: WhisperSettings, **kwargs) -> WhisperBackbone:
        """See `TransformerClassifier`."""
        return WhisperBackbone(settings, **kwargs)

    @classmethod
    def settings_of(cls, config: Mapping[str, Any], feature_extractor: Mapping[str, Any]) -> WhisperSettings:
        """See `TransformerClassifier`."""
        settings = WhisperSettings.from_config(config)
        bands = feature_extractor.get("feature_size", settings.num_mel_bins)
        if bands != settings.num_mel_bins:
            raise UserError(
                f"preprocessor_config.json has feature_size {bands!r} and config.json num_mel_bins "
                f"{settings.num_mel_bins}, which are both the number of mel bands: fetch the checkpoint again"
            )
        return settings

    @classmethod
    def settings_from_dict(cls, settings: Mapping[str, Any]) -> WhisperSettings:
        """See `TransformerClassifier`."""
        return WhisperSettings(**settings)

    def load_backbone(self, arrays: Mapping[str, np.ndarray], source: str) -> None:
        """See `TransformerClassifier`."""
        load_state(self.backbone, arrays, source)

    def backbone_arrays(self) -> dict[str, np.ndarray]:
        """See `TransformerClassifier`."""
        return state_arrays(self.backbone)
