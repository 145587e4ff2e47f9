"""A trained model together with its front end: waveforms in, probabilities out, in one traceable call."""

from dataclasses import dataclass

import keras
import tensorflow as tf

from data_pipeline.log_mel import LogMelSettings, log_mel, num_frames


@dataclass(frozen=True)
class Recogniser:
    """What a run has learned, ready to be asked or exported.

    Attributes:
        model: Takes `{"log_mel": [batch, frames, bands], "num_frames": [batch]}`, gives probabilities.
        labels: Emotions in the order of the model's outputs.
        front_end: The log-mel settings that the model was trained with.
    """

    model: keras.Model
    labels: tuple[str, ...]
    front_end: LogMelSettings

    def __call__(self, waveform: tf.Tensor, num_samples: tf.Tensor) -> tf.Tensor:
        """Probabilities of each emotion.

        Samples past `num_samples` never change an answer, as long as they are finite.

        Args:
            waveform: float32 [batch, samples], 16 kHz, full scale ±1.
            num_samples: int32 [batch], each from 1 to samples.

        Returns:
            float32 [batch, classes].
        """
        features = {
            "log_mel": log_mel(waveform, self.front_end),
            "num_frames": num_frames(num_samples, self.front_end),
        }
        return self.model(features, training=False)
