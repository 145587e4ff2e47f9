"""wav2vec 2.0 or HuBERT with a classification head."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from training.checkpoint.architectures import WAV2VEC2
from training.families.transformer.classifier import TransformerClassifier
from training.families.wav2vec2.backbone import Wav2Vec2Backbone
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.families.wav2vec2.state import load_state, state_arrays


@keras.saving.register_keras_serializable("ser")
class Wav2Vec2Classifier(TransformerClassifier):
    """wav2vec 2.0 or HuBERT with a head, see `TransformerClassifier`.

    Args:
        settings: Shape of the backbone.
        num_classes: Number of classes.
        folded: See `Wav2Vec2Backbone`; the copy for export is folded.
        **kwargs: Other arguments of `TransformerClassifier`.
    """

    architecture = WAV2VEC2
    backbone: Wav2Vec2Backbone

    def __init__(self, settings: Wav2Vec2Settings, num_classes: int, folded: bool = False, **kwargs):
        super().__init__(settings, num_classes, backbone_options={"folded": folded}, **kwargs)

    def make_backbone(self, settings: Wav2Vec2Settings, **kwargs) -> Wav2Vec2Backbone:
        """See `TransformerClassifier`."""
        return Wav2Vec2Backbone(settings, **kwargs)

    @classmethod
    def settings_of(cls, config: Mapping[str, Any], feature_extractor: Mapping[str, Any]) -> Wav2Vec2Settings:
        """See `TransformerClassifier`."""
        return Wav2Vec2Settings.from_config(config, bool(feature_extractor.get("do_normalize", True)))

    @classmethod
    def settings_from_dict(cls, settings: Mapping[str, Any]) -> Wav2Vec2Settings:
        """See `TransformerClassifier`."""
        return Wav2Vec2Settings.from_config(settings, settings["do_normalize"])

    def load_backbone(self, arrays: Mapping[str, np.ndarray], source: str) -> None:
        """See `TransformerClassifier`."""
        load_state(self.backbone, arrays, source)

    def backbone_arrays(self) -> dict[str, np.ndarray]:
        """See `TransformerClassifier`."""
        return state_arrays(self.backbone)

    def shortest(self) -> int:
        """See `TransformerClassifier`: 400 samples in all published networks."""
        return self.backbone.settings.shortest

    def serving_options(self) -> dict[str, Any]:
        """See `TransformerClassifier`: the weight norm is folded."""
        return {"folded": True}

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor, as `from_config` takes them."""
        return {**super().get_config(), "folded": self.backbone.folded}
