"""The requests of a load test, and the times at which they are sent."""

import numpy as np
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from benchmarks.machine_speech import speech
from serving.tensors import write_tensor

VARIETY = 16
"""Number of different clips that are sent in turn."""


def clips(shortest: float, longest: float, seed: int = 0) -> list[np.ndarray]:
    """Clips of speech; what is said does not change how long an answer takes, but noise would have none.

    Args:
        shortest: Shortest length in seconds.
        longest: Longest length in seconds; the lengths are evenly spaced between both.
        seed: Seed of the order.

    Returns:
        `VARIETY` waveforms, float32 [samples] at 16 kHz.
    """
    seconds = np.random.default_rng(seed).permutation(np.linspace(shortest, longest, VARIETY))
    return [speech(length, number) for number, length in enumerate(seconds)]


def requests(model: str, waveforms: list[np.ndarray]) -> list[bytes]:
    """A serialised `PredictRequest` for each clip."""
    return [_request(model, waveform).SerializeToString() for waveform in waveforms]


def _request(model: str, waveform: np.ndarray) -> PredictRequest:
    request = PredictRequest(model_spec=ModelSpec(name=model))
    write_tensor(request.inputs["waveform"], waveform[np.newaxis])
    write_tensor(request.inputs["num_samples"], np.array([waveform.size], np.int32))
    return request


def poisson_arrivals(rate: float, seconds: float, seed: int) -> np.ndarray:
    """Times of the calls of independent callers (a Poisson process).

    Args:
        rate: Mean number of calls per second.
        seconds: Seconds during which calls are made.
        seed: Seed of the random times.

    Returns:
        float64 [calls], seconds from the start, in ascending order.
    """
    random = np.random.default_rng(seed)
    # Given their number, the times of a Poisson process are independent and uniformly distributed.
    return np.sort(random.uniform(0, seconds, random.poisson(rate * seconds)))
