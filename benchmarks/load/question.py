import numpy as np
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from data_pipeline.audio.decode import SAMPLE_RATE
from serving.tensors import to_proto

VARIETY = 16
"""Different clips that are sent in turn."""


def clips(shortest: float, longest: float, seed: int = 0) -> list[np.ndarray]:
    """Noise, whose sound does not matter to how long an answer takes.

    Args:
        shortest: Seconds.
        longest: Seconds; lengths are spread evenly between the two.
        seed: Of the noise and the order.

    Returns:
        `VARIETY` waveforms, float32 [samples] at 16 kHz.
    """
    random = np.random.default_rng(seed)
    seconds = random.permutation(np.linspace(shortest, longest, VARIETY))
    return [random.uniform(-0.5, 0.5, round(length * SAMPLE_RATE)).astype(np.float32) for length in seconds]


def requests(model: str, waveforms: list[np.ndarray]) -> list[bytes]:
    """A serialised `PredictRequest` about each clip alone."""
    return [
        PredictRequest(
            model_spec=ModelSpec(name=model),
            inputs={
                "waveform": to_proto(waveform[np.newaxis]),
                "num_samples": to_proto(np.array([waveform.size], np.int32)),
            },
        ).SerializeToString()
        for waveform in waveforms
    ]
