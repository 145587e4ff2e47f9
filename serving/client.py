"""The client of a model server, TensorFlow Serving or `ser serve`: audio in, typed answers out."""

import time
from collections.abc import Mapping, Sequence

import grpc
import numpy as np
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec

from data_pipeline.decode import SAMPLE_RATE
from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError
from serving.emotion_recogniser import EmotionRecogniser
from serving.tensors import MAX_MESSAGE_BYTES, MalformedTensorError, to_array, to_proto

_OPTIONS = [
    # A server that is starting is found within a second; gRPC's own patience grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
]

_POLL_SECONDS = 0.1
"""Between two looks at a server that is starting."""


class ServerError(UserError):
    """A call that brought no answer.

    Attributes:
        code: The gRPC status it ended with.
    """

    def __init__(self, code: grpc.StatusCode, sentence: str):
        super().__init__(sentence)
        self.code = code


class ServerUnavailableError(ServerError):
    """Nobody answers at the address."""


class ServerTimeoutError(ServerError):
    """No answer came in time."""


class ModelNotFoundError(ServerError):
    """The server has no such model or version."""


class RequestRefusedError(ServerError):
    """The server answers, but not this request."""


class EmotionClient(EmotionRecogniser):
    """Asks a model server for emotions; close it after use, or use it in a `with`.

    Args:
        server: `host:port` of the server's gRPC.
        model: Name that the server knows the model by.
        timeout: Seconds to wait for an answer.
        version: Number of the version to ask, instead of the newest.
        version_label: Label of the version to ask (`stable`), instead of a number.
        labels: Emotions in the order of the model's outputs.
    """

    def __init__(
        self,
        server: str = "localhost:8500",
        model: str = "ser",
        *,
        timeout: float = 30.0,
        version: int | None = None,
        version_label: str = "",
        labels: Sequence[str] = LABELS,
    ):
        if version is not None and version_label:
            raise ValueError("version and version_label cannot both be given")
        super().__init__(labels)
        self.server = server
        self._timeout = timeout
        self._spec = ModelSpec(name=model, version_label=version_label or None)
        if version is not None:
            self._spec.version.value = version
        self._channel = grpc.insecure_channel(server, options=_OPTIONS)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def __enter__(self) -> "EmotionClient":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def check(self) -> None:
        """Make sure, before there is anything to ask, that the server is there and has loaded the model.

        It also opens the connection, which the first answer's latency would otherwise include.

        Raises:
            ServerError: One of its subclasses says what is wrong.
        """
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=self._spec)
        try:
            status = self._models.GetModelStatus(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise self._explained(error) from error
        if not _is_available(status):
            raise ServerUnavailableError(
                grpc.StatusCode.UNAVAILABLE,
                f"{self.server} has not loaded the model {self._spec.name}: wait, or look at its output",
            )

    def ask(self, waveform: np.ndarray, num_samples: np.ndarray) -> tuple[Mapping[str, np.ndarray], int]:
        """Make one Predict call; see `EmotionRecogniser.ask`.

        Raises:
            ServerError: One of its subclasses says what went wrong.
        """
        if waveform.nbytes + num_samples.nbytes > MAX_MESSAGE_BYTES * 0.99:  # the rest of the message needs little
            raise RequestRefusedError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{len(waveform)} rows of {waveform.shape[1] / SAMPLE_RATE:.0f} s are too much for one call: "
                "ask in parts",
            )
        request = predict_pb2.PredictRequest(
            model_spec=self._spec,
            inputs={"waveform": to_proto(waveform), "num_samples": to_proto(num_samples)},
        )
        try:
            response = self._predictions.Predict(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise self._explained(error) from error
        try:
            outputs = {name: to_array(tensor) for name, tensor in response.outputs.items()}
        except MalformedTensorError as error:
            raise RequestRefusedError(
                grpc.StatusCode.INTERNAL,
                f"the answer of {self.server} cannot be read ({error}): is it a model server?",
            ) from error
        return outputs, response.model_spec.version.value

    def _explained(self, error: grpc.RpcError) -> ServerError:
        code, details = error.code(), error.details()
        match code:
            case grpc.StatusCode.UNAVAILABLE:
                return ServerUnavailableError(
                    code,
                    f"no model server answers at {self.server}: start one with `ser serve MODELS`, "
                    "or name its address with --server HOST:PORT",
                )
            case grpc.StatusCode.DEADLINE_EXCEEDED:
                return ServerTimeoutError(
                    code,
                    f"{self.server} did not answer within {self._timeout:g} s: allow more with --timeout",
                )
            case grpc.StatusCode.NOT_FOUND:
                return ModelNotFoundError(
                    code,
                    f"{self.server} has no model {self._spec.name} as asked for ({details}): check --name",
                )
            case _:
                return RequestRefusedError(code, f"{self.server} refused the request ({code.name}: {details})")


def wait_until_available(server: str, model: str = "ser", timeout: float = 60.0) -> None:
    """Wait until a server has loaded a model.

    `GetModelStatus` says so; that the port is open does not.

    Args:
        server: `host:port` of the server's gRPC.
        model: Name that the server knows the model by.
        timeout: Seconds after which to give up.

    Raises:
        ServerTimeoutError: If the model is not available by then.
    """
    request = get_model_status_pb2.GetModelStatusRequest(model_spec=ModelSpec(name=model))
    deadline = time.monotonic() + timeout
    with grpc.insecure_channel(server, options=_OPTIONS) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        while True:
            remaining = deadline - time.monotonic()
            try:
                status = stub.GetModelStatus(request, timeout=max(remaining, 0.001), wait_for_ready=True)
            except grpc.RpcError as error:
                reason = error.details()
            else:
                if _is_available(status):
                    return
                reason = "it is still loading"
            if time.monotonic() + _POLL_SECONDS > deadline:
                raise ServerTimeoutError(
                    grpc.StatusCode.DEADLINE_EXCEEDED,
                    f"the model {model} was not available at {server} within {timeout:g} s ({reason}): "
                    "look at the server's output",
                )
            time.sleep(_POLL_SECONDS)


def _is_available(status: get_model_status_pb2.GetModelStatusResponse) -> bool:
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    return any(version.state == available for version in status.model_version_status)
