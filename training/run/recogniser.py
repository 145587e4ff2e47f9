"""A trained model with its front end: from waveforms to probabilities in one traceable call."""

import functools
from dataclasses import dataclass, replace

import keras
import tensorflow as tf

from data_pipeline.errors import UserError
from training.families.family import Family, Halves
from training.front_end import FrontEnd
from training.temperature import scaled_tensor

SERVED_DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True)
class Recogniser:
    """The trained model of a run, ready for predictions and for export.

    Attributes:
        model: From what the front end gives to probabilities.
        labels: Emotions in the order of the model's outputs.
        front_end: What the model was trained on.
        family: Family of the model.
        temperature: By which the model's logits are divided; see `training.temperature`.
    """

    model: keras.Model
    labels: tuple[str, ...]
    front_end: FrontEnd
    family: Family
    temperature: float = 1.0

    def __call__(self, waveform: tf.Tensor, num_samples: tf.Tensor) -> tf.Tensor:
        """The probability of each emotion.

        Samples past `num_samples` never change an answer, as long as they are finite.

        Args:
            waveform: float32 [batch, samples], 16 kHz, full scale ±1.
            num_samples: int32 [batch], each from 1 to samples.

        Returns:
            float32 [batch, classes].
        """
        probabilities = self.model(self.front_end.inputs(waveform, num_samples), training=False)
        return scaled_tensor(probabilities, self.temperature)

    @functools.cached_property
    def halves(self) -> Halves | None:
        """The model in two halves, with a clip's embedding between them; None if its family knows of none."""
        return self.family.halves(self.model)

    @property
    def embedding_size(self) -> int | None:
        """Size of a clip's embedding; None if the model gives none."""
        return self.halves.size if self.halves else None

    def embed(self, waveform: tf.Tensor, num_samples: tf.Tensor) -> tf.Tensor:
        """The embedding of each clip: what the model makes of it before its last layers.

        Args:
            waveform: See `__call__`.
            num_samples: See `__call__`.

        Returns:
            float32 [batch, `embedding_size`].
        """
        return self._halves().embed(self.front_end.inputs(waveform, num_samples))

    def classify(self, embedding: tf.Tensor) -> tf.Tensor:
        """The probability of each emotion, of clips whose embeddings are known.

        Args:
            embedding: float32 [batch, `embedding_size`], from `embed`.

        Returns:
            float32 [batch, classes].
        """
        return scaled_tensor(self._halves().classify(embedding), self.temperature)

    def _halves(self) -> Halves:
        if self.halves is None:
            raise UserError(f"models of the family {self.family.name} give no embeddings: its `halves` is missing")
        return self.halves

    def for_serving(self, dtype: str = "float32") -> "Recogniser":
        """The same recogniser as it is exported: without what only training needs.

        Args:
            dtype: Type of weights and products, `float32` or `bfloat16`. Norms, softmax and what is computed of the
                waveform before the network are float32 in both; each family says what else is.

        Raises:
            UserError: If the model cannot be served with that type.
        """
        if dtype not in SERVED_DTYPES:
            raise UserError(f"a model is served as {' or '.join(SERVED_DTYPES)}, not as {dtype!r}")
        if dtype != "float32" and not self.family.gains_from_bfloat16(self.model):
            raise UserError(f"this model gains nothing from {dtype}: export it as float32")
        return replace(self, model=self.family.for_serving(self.model, dtype))
