"""SpecAugment on the inputs of the encoder: random spans of frames and of channels."""

import keras
from keras import ops

from training.families.wav2vec2.settings import Wav2Vec2Settings


def span_mask(lengths, size, probability: float, span: int, minimum: int, seed):
    """Draw the positions that random spans cover.

    As in the wav2vec 2.0 paper, starts are drawn without replacement and spans may overlap. Their number is
    `probability` x length / span, rounded up or down at random so that the mean is exact.

    Args:
        lengths: int32 [batch], the number of positions of each row that may be covered.
        size: Number of positions, an int or a scalar tensor.
        probability: Share of the positions that the spans would cover without overlap.
        span: Number of positions per span. A row shorter than this has no spans.
        minimum: Smallest number of spans, as far as they fit.
        seed: A `keras.random.SeedGenerator` or an int.

    Returns:
        bool [batch, size], true within spans, and false after a row's length.
    """
    batch = ops.shape(lengths)[0]
    # One random number for the rounding, and one score for each position: the highest scores are the starts.
    draws = keras.random.uniform((batch, size + 1), dtype="float32", seed=seed)
    starts = lengths - (span - 1)
    wanted = ops.floor(probability * ops.cast(lengths, "float32") / span + draws[:, 0])
    count = ops.maximum(ops.cast(wanted, "int32"), minimum)
    count = ops.minimum(ops.minimum(count, lengths // span), ops.maximum(starts, 0))
    possible = ops.arange(size, dtype="int32")[None, :] < starts[:, None]
    scores = ops.where(possible, draws[:, 1:], ops.full_like(draws[:, 1:], -1.0))
    rank = ops.argsort(ops.argsort(-scores, axis=1), axis=1)
    is_start = ops.cast(ops.cast(rank, "int32") < count[:, None], "int32")
    # A position is covered if one of the last `span` positions is a start.
    started = ops.cumsum(ops.pad(is_start, [[0, 0], [span, 0]]), axis=1)
    return started[:, span:] > started[:, :size]


class SpecAugment(keras.layers.Layer):
    """While training, replaces spans of frames with a learned vector and sets spans of channels to zero."""

    def __init__(self, settings: Wav2Vec2Settings, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.settings = settings
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create the vector that replaces masked frames, [hidden_size]."""
        self.mask_embedding = self.add_weight(
            name="mask_embedding",
            shape=(self.settings.hidden_size,),
            initializer=keras.initializers.RandomUniform(0.0, 1.0),
            trainable=self.settings.apply_spec_augment and self.settings.mask_time_prob > 0,
        )

    def call(self, hidden, num_frames, training=False):
        """Mask frames and channels.

        Args:
            hidden: [batch, frames, hidden_size].
            num_frames: int32 [batch], the number of valid frames of each clip. Spans lie within them.
            training: Whether to mask.

        Returns:
            [batch, frames, hidden_size].
        """
        settings = self.settings
        if not (training and settings.apply_spec_augment):
            return hidden
        if settings.mask_time_prob > 0:
            masked = span_mask(
                num_frames,
                ops.shape(hidden)[1],
                settings.mask_time_prob,
                settings.mask_time_length,
                settings.mask_time_min_masks,
                self.seed_generator,
            )
            embedding = ops.cast(self.mask_embedding, hidden.dtype)
            hidden = ops.where(masked[:, :, None], embedding[None, None, :], hidden)
        if settings.mask_feature_prob > 0:
            masked = span_mask(
                ops.full_like(num_frames, settings.hidden_size),
                settings.hidden_size,
                settings.mask_feature_prob,
                settings.mask_feature_length,
                settings.mask_feature_min_masks,
                self.seed_generator,
            )
            hidden = ops.where(masked[:, None, :], ops.zeros_like(hidden), hidden)
        return hidden
