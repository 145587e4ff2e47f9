"""A model server for one machine: a laptop, CI, the demo. Production is TensorFlow Serving.

It answers TensorFlow Serving's own gRPC API (`PredictionService`, `ModelService`) from the same model
repository, so that whatever asks it can ask the real one unchanged. It has no batching queue, no REST and
no reloading.
"""

import errno
import os
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from data_pipeline.errors import UserError
from serving.server.catalogue import Catalogue, model_sources
from serving.server.services import ModelService, PredictionService
from serving.tensors import MAX_MESSAGE_BYTES

_OPTIONS = [
    # Linux would let two servers share the port, each getting half of the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
]


class LocalServer:
    """A server that is answering until it is stopped. `start` makes one; it is also a context manager.

    Attributes:
        address: `host:port` as a client needs it.
        models: Names of the served models, each with the loaded versions.
    """

    def __init__(self, server: grpc.Server, address: str, models: Mapping[str, tuple[int, ...]]):
        self._server = server
        self.address = address
        self.models = models

    @classmethod
    def start(cls, models: Path, *, host: str = "127.0.0.1", port: int = 8500) -> "LocalServer":
        """Load every model of a repository and answer calls for them.

        Args:
            models: The model repository.
            host: Name or address of the interface to listen on; 0.0.0.0 is all of them.
            port: 0 picks a free one.

        Raises:
            UserError: If the address cannot be listened on, or the repository holds no model that can be
                loaded.
        """
        # What takes no time comes first, loading last: a wrong folder is named whatever the port, and a wrong port
        # at once.
        sources = model_sources(models)
        threads = ThreadPoolExecutor(max_workers=4 * (os.cpu_count() or 1), thread_name_prefix="grpc")
        server = grpc.server(threads, options=_OPTIONS)
        # From here on callers wait in the port's queue until `start`.
        bound = _bind(server, host, port)
        try:
            catalogue = Catalogue.load(sources)
            prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(catalogue), server)
            model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(catalogue), server)
        except BaseException:
            # gRPC gives the port of a server back only if the server has been started.
            server.start()
            server.stop(None).wait()
            raise
        server.start()
        return cls(server, f"{_in_address(host)}:{bound}", catalogue.loaded())

    def stop(self, grace: float = 5.0) -> None:
        """Take no new calls, let the running ones finish, and close.

        Args:
            grace: Seconds after which running calls are cancelled.
        """
        self._server.stop(grace).wait()

    def __enter__(self) -> "LocalServer":
        return self

    def __exit__(self, *_) -> None:
        self.stop()


def _bind(server: grpc.Server, host: str, port: int) -> int:
    _check_free(host, port)
    try:
        return server.add_insecure_port(f"{_in_address(host)}:{port}")
    except RuntimeError as error:  # taken since the check
        raise _port_in_use(host, port) from error


def _check_free(host: str, port: int) -> None:
    """Try the address with a plain socket, which says what is wrong with it; gRPC only logs that."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _port_in_use(host, port) from error
        raise UserError(
            f"cannot listen on {_in_address(host)}:{port} ({error.strerror}): check --host and --grpc-port"
        ) from error


def _port_in_use(host: str, port: int) -> UserError:
    return UserError(
        f"port {port} on {host} is in use: stop the server that uses it, "
        "or choose another port with --grpc-port (0 picks a free one)"
    )


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
