"""A trained model together with its front end: waveforms in, probabilities out, in one traceable call."""

from dataclasses import dataclass, replace

import keras
import tensorflow as tf

from data_pipeline.errors import UserError
from training.families.ensemble.network import Ensemble
from training.families.wav2vec2 import Wav2Vec2Classifier
from training.front_end import FrontEnd, inputs
from training.layers.folding import fold_backbone, has_pointwise
from training.layers.head import BACKBONE
from training.temperature import scaled_tensor

SERVED_DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True)
class Recogniser:
    """What a run has learned, ready to be asked or exported.

    Attributes:
        model: Takes what the front end gives (see `front_end.inputs`), gives probabilities.
        labels: Emotions in the order of the model's outputs.
        front_end: What the model was trained on.
        temperature: By which the model's logits are divided; see `training.temperature`.
    """

    model: keras.Model
    labels: tuple[str, ...]
    front_end: FrontEnd
    temperature: float = 1.0

    def __call__(self, waveform: tf.Tensor, num_samples: tf.Tensor) -> tf.Tensor:
        """Probabilities of each emotion.

        Samples past `num_samples` never change an answer, as long as they are finite.

        Args:
            waveform: float32 [batch, samples], 16 kHz, full scale ±1.
            num_samples: int32 [batch], each from 1 to samples.

        Returns:
            float32 [batch, classes].
        """
        probabilities = self.model(inputs(self.front_end, waveform, num_samples), training=False)
        return scaled_tensor(probabilities, self.temperature)

    def for_serving(self, dtype: str = "float32") -> "Recogniser":
        """The same recogniser as it is exported: without what only training needs, its batch norms folded.

        Args:
            dtype: Of weights and products, `float32` or `bfloat16`. Norms, softmax, depthwise convolutions, a
                MobileNet's head, members of an ensemble that would gain nothing, and what is computed of the waveform
                before the network are float32 in both.

        Raises:
            UserError: If the model cannot be served so.
        """
        if dtype not in SERVED_DTYPES:
            raise UserError(f"a model is served as {' or '.join(SERVED_DTYPES)}, not as {dtype!r}")
        if dtype != "float32" and not _has_large_products(self.model):
            raise UserError(f"this model gains nothing from {dtype}: export it as float32")
        return replace(self, model=_served(self.model, dtype))


def _has_large_products(model: keras.Model) -> bool:
    """Whether a network has products that bfloat16 makes faster: a wav2vec 2.0's, or 1 x 1 convolutions."""
    if isinstance(model, Ensemble):
        return any(map(_has_large_products, model.members))
    return isinstance(model, Wav2Vec2Classifier) or (_has_backbone(model) and has_pointwise(model.get_layer(BACKBONE)))


def _has_backbone(model: keras.Model) -> bool:
    return any(layer.name == BACKBONE for layer in model.layers)


def _served(model: keras.Model, dtype: str) -> keras.Model:
    if isinstance(model, Ensemble):
        return model.with_members([_served(member, dtype) for member in model.members])
    if isinstance(model, Wav2Vec2Classifier):
        return model.for_serving(dtype)
    if not _has_backbone(model):
        return model
    return fold_backbone(model, dtype if _has_large_products(model) else "float32")
