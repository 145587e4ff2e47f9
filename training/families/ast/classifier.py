"""The Audio Spectrogram Transformer with a classification head."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from training.checkpoint.architectures import AST
from training.families.ast.backbone import AstBackbone
from training.families.ast.settings import AstSettings
from training.families.ast.state import load_state, state_arrays
from training.families.transformer.classifier import TransformerClassifier


@keras.saving.register_keras_serializable("ser")
class AstClassifier(TransformerClassifier):
    """The Audio Spectrogram Transformer with a head, see `TransformerClassifier`."""

    architecture = AST
    backbone: AstBackbone

    def make_backbone(self, settings: AstSettings, **kwargs) -> AstBackbone:
        """See `TransformerClassifier`."""
        return AstBackbone(settings, **kwargs)

    @classmethod
    def settings_of(cls, config: Mapping[str, Any], feature_extractor: Mapping[str, Any]) -> AstSettings:
        """See `TransformerClassifier`."""
        return AstSettings.from_config(config, feature_extractor)

    @classmethod
    def settings_from_dict(cls, settings: Mapping[str, Any]) -> AstSettings:
        """See `TransformerClassifier`."""
        return AstSettings(**settings)

    def load_backbone(self, arrays: Mapping[str, np.ndarray], source: str) -> None:
        """See `TransformerClassifier`."""
        load_state(self.backbone, arrays, source)

    def backbone_arrays(self) -> dict[str, np.ndarray]:
        """See `TransformerClassifier`."""
        return state_arrays(self.backbone)
