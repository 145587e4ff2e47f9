"""Requests to a model server and its responses, for the blocking and the asynchronous client, which send them."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar

import grpc
import numpy as np
from google.protobuf.message import Message

from data_pipeline.audio.decode import SAMPLE_RATE
from serving.client.channel import MAX_ATTEMPTS, Tls, open_channel
from serving.client.server_errors import RequestRefusedError, ServerError, ServerUnavailableError, server_error
from serving.protocol.messages import GetModelStatusRequest, ModelSpec, ModelVersionStatus, PredictRequest
from serving.protocol.stubs import ModelServiceStub, PredictionServiceStub
from serving.tensors import MAX_MESSAGE_BYTES, MalformedTensorError, to_array, write_tensor

_MOST_TENSOR_BYTES = round(MAX_MESSAGE_BYTES * 0.99)
"""Maximum size of the tensors of a request. The rest of the message is small."""


class ModelCalls:
    """A model on a server: the common part of both clients.

    Args:
        server: `host:port` of the server's gRPC port, or another name that gRPC resolves, such as
            `dns:///headless-service:8500`; calls go to all of its addresses in turn.
        model: Name of the model on the server.
        timeout: Maximum number of seconds to wait for an answer, including repeated attempts and the time during which
            the call waits because of `concurrency`.
        version: Number of the version, instead of the newest.
        version_label: Label of the version (`stable`), instead of its number.
        labels: Emotions in the order of the model's outputs; by default those that the model tells. Models that were
            exported before they told have the six of `data_pipeline.emotion.LABELS`.
        tls: Certificates for an encrypted connection; None for an unencrypted one.
        attempts: Maximum number of attempts of a call that fails with UNAVAILABLE, with growing waits between them,
            from 1 to 5. Calls that fail otherwise are not repeated.
        concurrency: Maximum number of concurrent calls; further calls wait.
        batch_size: Maximum number of rows in a call of `recognise_all`. It must not exceed the server's
            `max_batch_size`, which is 32 in the `batching.config` that `ser export` writes.

    Raises:
        ValueError: If both a version and a label are given, or a number is out of range.
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
        labels: Sequence[str] | None = None,
        tls: Tls | None = None,
        attempts: int = 4,
        concurrency: int = 4,
        batch_size: int = 16,
    ):
        if version is not None and version_label:
            raise ValueError("version and version_label cannot both be given")
        if not 1 <= attempts <= MAX_ATTEMPTS:
            raise ValueError(f"attempts must be from 1 to {MAX_ATTEMPTS}. Received: {attempts}")
        if concurrency < 1 or batch_size < 1 or not timeout > 0:
            raise ValueError(
                "concurrency, batch_size and timeout must be positive. "
                f"Received: {concurrency}, {batch_size}, {timeout}"
            )
        self.server = server
        self.model = model
        self.labels = None if labels is None else tuple(labels)
        self.concurrency = concurrency
        self.batch_size = batch_size
        self._timeout = timeout
        self._encrypted = tls is not None
        self._spec = ModelSpec(name=model, version_label=version_label or None)
        if version is not None:
            self._spec.version.value = version
        self._channel: Any = open_channel(self._grpc, server, tls, attempts)
        self._places: Any = self._semaphore(concurrency)
        self._predictions = PredictionServiceStub(self._channel)
        self._models = ModelServiceStub(self._channel)

    def _predict_request(self, waveform: np.ndarray, num_samples: np.ndarray) -> Message:
        """The `PredictRequest` for one batch.

        Raises:
            RequestRefusedError: If it is too large for a message.
        """
        if waveform.nbytes + num_samples.nbytes > _MOST_TENSOR_BYTES:
            raise RequestRefusedError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{len(waveform)} rows of {waveform.shape[1] / SAMPLE_RATE:.0f} s are too much for one call: "
                "send them in several calls",
            )
        request = PredictRequest(model_spec=self._spec)
        write_tensor(request.inputs["waveform"], waveform)
        write_tensor(request.inputs["num_samples"], num_samples)
        return request

    def _outputs(self, response: Message) -> tuple[Mapping[str, np.ndarray], int]:
        """The outputs of a `PredictResponse` by name, and the number of the version that computed them.

        Raises:
            RequestRefusedError: If the outputs are malformed.
        """
        try:
            outputs = {name: to_array(tensor) for name, tensor in response.outputs.items()}
        except MalformedTensorError as error:
            raise RequestRefusedError(
                grpc.StatusCode.INTERNAL,
                f"the answer of {self.server} cannot be read ({error}): is it a model server?",
            ) from error
        return outputs, response.model_spec.version.value

    def _status_request(self) -> Message:
        return GetModelStatusRequest(model_spec=self._spec)

    def _check_available(self, status: Message) -> None:
        if not is_available(status):
            raise ServerUnavailableError(
                grpc.StatusCode.UNAVAILABLE,
                f"{self.server} has not loaded the model {self.model}: wait, or look at the server's output",
            )

    def _as_server_error(self, error: grpc.RpcError) -> ServerError:
        return server_error(error, self.server, self.model, self._timeout, self._encrypted)


def is_available(status: Message) -> bool:
    """Whether at least one of the versions of a `GetModelStatusResponse` is available."""
    return any(version.state == ModelVersionStatus.AVAILABLE for version in status.model_version_status)
