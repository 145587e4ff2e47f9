import keras
from keras import ops

from training.families.wav2vec2.row_normalisation import RowNormalisation
from training.families.wav2vec2.settings import Wav2Vec2Settings


class FeatureProjection(keras.layers.Layer):
    """Takes the frames of the convolutions to the width of the encoder."""

    def __init__(self, settings: Wav2Vec2Settings, **kwargs):
        super().__init__(**kwargs)
        self.channels = settings.conv_dim[-1]
        self.layer_norm = None
        if settings.feat_proj_layer_norm:
            self.layer_norm = RowNormalisation(settings.layer_norm_eps, dtype=self.dtype_policy, name="layer_norm")
        self.projection = keras.layers.Dense(
            settings.hidden_size,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            dtype=self.dtype_policy,
            name="projection",
        )
        self.dropout = keras.layers.Dropout(settings.feat_proj_dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Make the weights of the norm and of the projection."""
        if self.layer_norm is not None:
            self.layer_norm.build((None, None, self.channels))
        self.projection.build((None, None, self.channels))

    def call(self, features, training=False):
        """Project frames.

        Args:
            features: [batch, frames, channels].
            training: Whether dropout applies.

        Returns:
            [batch, frames, hidden_size].
        """
        if self.layer_norm is not None:
            features = self.layer_norm(features)
        # In two dimensions TensorFlow's graph optimiser makes product and bias one operation.
        projected = self.projection(ops.reshape(features, (-1, self.channels)))
        return self.dropout(
            ops.reshape(projected, (*ops.shape(features)[:2], self.projection.units)), training=training
        )
