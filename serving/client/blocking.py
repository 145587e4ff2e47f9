import threading
import time
from collections.abc import Mapping

import grpc
import numpy as np

from serving.client.channel import Tls, open_channel
from serving.client.model_calls import ModelCalls, is_available
from serving.client.server_errors import ServerTimeoutError, timeout_error
from serving.protocol.messages import GetModelStatusRequest, ModelSpec
from serving.protocol.stubs import ModelServiceStub
from serving.recognition.emotion_recogniser import EmotionRecogniser

_POLL_SECONDS = 0.1
"""Seconds between two questions to a server that is starting."""


class EmotionClient(ModelCalls, EmotionRecogniser):
    """Recognises emotions with a model server. Close it after use, or use it in a `with` statement.

    Several threads may share one client. See `ModelCalls` for the arguments and `EmotionRecogniser` for the methods.

    Example:
        ```
        with EmotionClient("localhost:8500", "mobilenet", version_label="stable") as client:
            print(client.recognise("clip.mp3").emotion)
            for answer in client.recognise_all(Path("calls").glob("*.wav")):
                print(answer)
        ```
    """

    _grpc = grpc
    _semaphore = threading.Semaphore

    def __enter__(self) -> "EmotionClient":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def check(self) -> None:
        """Check that the server is available and has loaded the model.

        This also opens the connection, whose setup would otherwise be part of the first answer's latency.

        Raises:
            ServerError: A subclass that says what is wrong.
        """
        try:
            status = self._models.GetModelStatus(self._status_request(), timeout=self._timeout)
        except grpc.RpcError as error:
            raise self._as_server_error(error) from error
        self._check_available(status)

    def predict(self, waveform: np.ndarray, num_samples: np.ndarray) -> tuple[Mapping[str, np.ndarray], int]:
        """Make one Predict call; see `EmotionRecogniser.predict`.

        Raises:
            ServerError: A subclass that says what went wrong.
        """
        request = self._predict_request(waveform, num_samples)
        deadline = time.monotonic() + self._timeout
        if not self._places.acquire(timeout=self._timeout):
            raise timeout_error(self.server, self._timeout)
        try:
            response = self._predictions.Predict(request, timeout=max(0.001, deadline - time.monotonic()))
        except grpc.RpcError as error:
            raise self._as_server_error(error) from error
        finally:
            self._places.release()
        return self._outputs(response)


def wait_until_available(server: str, model: str = "ser", timeout: float = 60.0, tls: Tls | None = None) -> None:
    """Wait until a server has loaded a model, which `GetModelStatus` tells. (An open port would not be enough.)

    Args:
        server: `host:port` of the server's gRPC port.
        model: Name of the model on the server.
        timeout: Maximum number of seconds to wait.
        tls: Certificates for an encrypted connection.

    Raises:
        ServerTimeoutError: If the model is not available within `timeout`.
    """
    request = GetModelStatusRequest(model_spec=ModelSpec(name=model))
    deadline = time.monotonic() + timeout
    with open_channel(grpc, server, tls, attempts=1) as channel:
        stub = ModelServiceStub(channel)
        while True:
            remaining = deadline - time.monotonic()
            try:
                status = stub.GetModelStatus(request, timeout=max(remaining, 0.001), wait_for_ready=True)
            except grpc.RpcError as error:
                reason = error.details()
            else:
                if is_available(status):
                    return
                reason = "it is still loading"
            if time.monotonic() + _POLL_SECONDS > deadline:
                raise ServerTimeoutError(
                    grpc.StatusCode.DEADLINE_EXCEEDED,
                    f"the model {model} was not available at {server} within {timeout:g} s ({reason}): "
                    "look at the server's output",
                )
            time.sleep(_POLL_SECONDS)
