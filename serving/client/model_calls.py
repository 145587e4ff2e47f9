"""What clients ask a model server and how they read its answers; sending is theirs."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar

import grpc
import numpy as np
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.emotion import LABELS
from serving.client.channel import MOST_ATTEMPTS, open_channel
from serving.client.server_errors import RequestRefusedError, ServerError, ServerUnavailableError, explained
from serving.client.tls import Tls
from serving.tensors import MAX_MESSAGE_BYTES, MalformedTensorError, to_array, to_proto

_MOST_TENSOR_BYTES = round(MAX_MESSAGE_BYTES * 0.99)
"""Of a request; the rest of the message needs little."""


class ModelCalls:
    """A model on a server, as both clients see it.

    Args:
        server: `host:port` of the server's gRPC, or another name that gRPC resolves, such as
            `dns:///headless-service:8500`; calls go to all addresses behind it in turn.
        model: Name that the server knows the model by.
        timeout: Seconds to wait for an answer, repeated attempts and the wait for a free place included.
        version: Number of the version to ask, instead of the newest.
        version_label: Label of the version to ask (`stable`), instead of a number.
        labels: Emotions in the order of the model's outputs.
        tls: Certificates for an encrypted connection; None is one in the clear.
        attempts: How often a call is made at most that comes back as UNAVAILABLE, with growing waits between them; no
            other call is repeated. From 1 to 5.
        concurrency: Calls that are under way at a time; more wait.
        batch_size: Rows that a call has at most where many utterances are asked about; not more than the server's
            `max_batch_size`, which is 32 where `ser export` wrote its `batching.config`.

    Raises:
        ValueError: If a version and a label are given, or a number is out of range.
    """

    _grpc: ClassVar[ModuleType]
    _semaphore: ClassVar[type]

    def __init__(
        self,
        server: str = "localhost:8500",
        model: str = "ser",
        *,
        timeout: float = 30.0,
        version: int | None = None,
        version_label: str = "",
        labels: Sequence[str] = LABELS,
        tls: Tls | None = None,
        attempts: int = 4,
        concurrency: int = 4,
        batch_size: int = 16,
    ):
        if version is not None and version_label:
            raise ValueError("version and version_label cannot both be given")
        if not 1 <= attempts <= MOST_ATTEMPTS:
            raise ValueError(f"attempts must be from 1 to {MOST_ATTEMPTS}. Received: {attempts}")
        if concurrency < 1 or batch_size < 1 or not timeout > 0:
            raise ValueError(
                "concurrency, batch_size and timeout must be positive. "
                f"Received: {concurrency}, {batch_size}, {timeout}"
            )
        self.server = server
        self.model = model
        self.labels = tuple(labels)
        self.concurrency = concurrency
        self.batch_size = batch_size
        self._timeout = timeout
        self._encrypted = tls is not None
        self._spec = ModelSpec(name=model, version_label=version_label or None)
        if version is not None:
            self._spec.version.value = version
        self._channel: Any = open_channel(self._grpc, server, tls, attempts)
        self._places: Any = self._semaphore(concurrency)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def _predict_request(self, waveform: np.ndarray, num_samples: np.ndarray) -> predict_pb2.PredictRequest:
        """The request about one batch.

        Raises:
            RequestRefusedError: If it does not fit a message.
        """
        if waveform.nbytes + num_samples.nbytes > _MOST_TENSOR_BYTES:
            raise RequestRefusedError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{len(waveform)} rows of {waveform.shape[1] / SAMPLE_RATE:.0f} s are too much for one call: "
                "ask in parts",
            )
        return predict_pb2.PredictRequest(
            model_spec=self._spec,
            inputs={"waveform": to_proto(waveform), "num_samples": to_proto(num_samples)},
        )

    def _outputs(self, response: predict_pb2.PredictResponse) -> tuple[Mapping[str, np.ndarray], int]:
        """The outputs by name, and the version that gave them.

        Raises:
            RequestRefusedError: If they are no tensors.
        """
        try:
            outputs = {name: to_array(tensor) for name, tensor in response.outputs.items()}
        except MalformedTensorError as error:
            raise RequestRefusedError(
                grpc.StatusCode.INTERNAL,
                f"the answer of {self.server} cannot be read ({error}): is it a model server?",
            ) from error
        return outputs, response.model_spec.version.value

    def _status_request(self) -> get_model_status_pb2.GetModelStatusRequest:
        return get_model_status_pb2.GetModelStatusRequest(model_spec=self._spec)

    def _check_available(self, status: get_model_status_pb2.GetModelStatusResponse) -> None:
        if not is_available(status):
            raise ServerUnavailableError(
                grpc.StatusCode.UNAVAILABLE,
                f"{self.server} has not loaded the model {self.model}: wait, or look at its output",
            )

    def _explained(self, error: grpc.RpcError) -> ServerError:
        return explained(error, self.server, self.model, self._timeout, self._encrypted)


def is_available(status: get_model_status_pb2.GetModelStatusResponse) -> bool:
    """Whether a version can be asked."""
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    return any(version.state == available for version in status.model_version_status)
