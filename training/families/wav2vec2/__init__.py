"""wav2vec 2.0 and HuBERT, written with `keras.ops` and `keras.layers`: the same network on every Keras backend."""

from training.families.wav2vec2.backbone import Wav2Vec2Backbone, fold_weight_norm
from training.families.wav2vec2.classifier import Wav2Vec2Classifier
from training.families.wav2vec2.settings import HeadSettings, Wav2Vec2Settings
from training.families.wav2vec2.state import load_state, state_arrays, state_names

__all__ = [
    "HeadSettings",
    "Wav2Vec2Backbone",
    "Wav2Vec2Classifier",
    "Wav2Vec2Settings",
    "fold_weight_norm",
    "load_state",
    "state_arrays",
    "state_names",
]
