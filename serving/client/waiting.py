import time

import grpc
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.client.channel import open_channel
from serving.client.model_calls import is_available
from serving.client.server_errors import ServerTimeoutError
from serving.client.tls import Tls

_POLL_SECONDS = 0.1
"""Between two looks at a server that is starting."""


def wait_until_available(server: str, model: str = "ser", timeout: float = 60.0, tls: Tls | None = None) -> None:
    """Wait until a server has loaded a model.

    `GetModelStatus` says so; that the port is open does not.

    Args:
        server: `host:port` of the server's gRPC.
        model: Name that the server knows the model by.
        timeout: Seconds after which to give up.
        tls: Certificates for an encrypted connection.

    Raises:
        ServerTimeoutError: If the model is not available by then.
    """
    request = get_model_status_pb2.GetModelStatusRequest(model_spec=ModelSpec(name=model))
    deadline = time.monotonic() + timeout
    with open_channel(grpc, server, tls, attempts=1) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
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
