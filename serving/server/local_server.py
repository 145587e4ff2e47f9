"""A model server for one machine: a laptop, CI, the demo. In production, use TensorFlow Serving.

It has TensorFlow Serving's gRPC and REST APIs and reads the same model repository and configuration files, so clients
need no change. Everything runs on one event loop except the models, which compute in separate threads.
"""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import grpc
from aiohttp import web
from grpc_health.v1 import health, health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from data_pipeline.errors import UserError
from serving.model_repository import server_config
from serving.model_repository.config_messages import read_text_proto
from serving.model_repository.served_models import ServedModel, served_models
from serving.server.batch_scheduler import BatchScheduler
from serving.server.batching_settings import BatchingSettings
from serving.server.catalogue import Catalogue
from serving.server.metrics import Metrics
from serving.server.predictor import Predictor
from serving.server.rest import NoHttp, RestApi
from serving.server.services import ModelService, PredictionService, UnreadableRequests
from serving.server.tls import TlsSettings
from serving.server.version_manager import VersionManager
from serving.server.watched_repository import WatchedRepository
from serving.tensors import MAX_MESSAGE_BYTES

_OPTIONS = [
    # Otherwise Linux lets two servers share the port, and each gets half of the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
]


@dataclass(frozen=True)
class ServerSettings:
    """Settings of a server.

    Attributes:
        host: Name or address of the interface to listen on; 0.0.0.0 stands for all interfaces.
        rest_port: Port for REST; 0 picks a free one, and `None` means no REST.
        batching: How calls are merged into batches; `None` computes each call alone.
        tls: Certificates for both ports; `None` means no encryption.
        poll_seconds: Seconds between two checks of the repository; 0 never checks it again.
        grace: Seconds that running calls have to finish when the server is stopped.
    """

    host: str = "127.0.0.1"
    rest_port: int | None = None
    batching: BatchingSettings | None = None
    tls: TlsSettings | None = None
    poll_seconds: float = 1.0
    grace: float = 5.0


_DEFAULTS = ServerSettings()


class LocalServer:
    """A running server, made by `start`. It is also a context manager, which stops it.

    Attributes:
        address: `host:port` of the gRPC port.
        rest_address: `host:port` of the REST port; empty without REST.
        models: Version numbers that were served at the start, by the name of the model.
    """

    def __init__(self, thread: Thread, loop: asyncio.AbstractEventLoop, started: "_Started"):
        self._thread = thread
        self._loop = loop
        self._stop = started.stop
        self.address = started.address
        self.rest_address = started.rest_address
        self.models = started.models

    @classmethod
    def start(cls, models: Path, *, port: int = 8500, settings: ServerSettings = _DEFAULTS) -> "LocalServer":
        """Load the models of a repository and start a server.

        Args:
            models: Folder of the model repository.
            port: Port for gRPC; 0 picks a free one.
            settings: Settings of the server.

        Raises:
            UserError: If the server cannot listen on an address, or the repository holds no model that can be loaded.
        """
        # Loading takes longest and comes last, so a wrong folder or port is reported at once.
        wanted = served_models(models)
        loop = asyncio.new_event_loop()
        starting: Future[_Started] = Future()
        arguments = (loop, _serve(models, port, settings, wanted, starting), starting)
        thread = Thread(target=_run, args=arguments, name="server", daemon=True)
        thread.start()
        return cls(thread, loop, starting.result())

    def stop(self) -> None:
        """Accept no new calls, let running calls finish within the grace period, and close."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set_result, None)
            self._thread.join()

    def __enter__(self) -> "LocalServer":
        return self

    def __exit__(self, *_) -> None:
        self.stop()


_rest_log = logging.getLogger(f"{__name__}.rest")
_rest_log.addFilter(NoHttp())


@dataclass(frozen=True)
class _Started:
    address: str
    rest_address: str
    models: Mapping[str, tuple[int, ...]]
    stop: asyncio.Future


def _run(loop: asyncio.AbstractEventLoop, serving: Coroutine, starting: Future) -> None:
    """The server's thread."""
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(serving)
    except BaseException as error:
        if starting.done():
            raise
        starting.set_exception(error)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _serve(
    models: Path, port: int, settings: ServerSettings, wanted: list[ServedModel], starting: Future
) -> None:
    """Open the ports, load the models, serve until `stop` is set, and close everything."""
    metrics = Metrics()
    catalogue = Catalogue()
    manager = VersionManager(catalogue, metrics)
    repository = WatchedRepository(models, manager)
    scheduler = BatchScheduler(settings.batching, metrics)
    predictor = Predictor(catalogue, scheduler, metrics)
    healthy = health.aio.HealthServicer()
    rest = web.AppRunner(
        RestApi(catalogue, predictor, metrics, _metrics_path(models)).application(),
        access_log=None,
        logger=_rest_log,
        # `rest.unpacked` does it, within a limit.
        auto_decompress=False,
        shutdown_timeout=settings.grace,
    )
    server = grpc.aio.server(interceptors=[UnreadableRequests()], options=_OPTIONS)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(catalogue, predictor), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(catalogue, repository), server)
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)

    async with contextlib.AsyncExitStack() as closing:
        closing.push_async_callback(manager.close)
        closing.push_async_callback(scheduler.close)
        # From now on, the ports queue calls until the models are loaded.
        rest_socket = None if settings.rest_port is None else _listen(settings.host, settings.rest_port, "--rest-port")
        if rest_socket is not None:
            closing.callback(rest_socket.close)
        grpc_port = _bind(server, port, settings)
        closing.push_async_callback(_stop_grpc, server, settings.grace)
        await repository.load(wanted)

        await server.start()
        await rest.setup()
        closing.push_async_callback(rest.cleanup)
        if rest_socket is not None:
            await web.SockSite(rest, rest_socket, ssl_context=settings.tls.for_http() if settings.tls else None).start()
        closing.push_async_callback(healthy.enter_graceful_shutdown)
        if settings.poll_seconds:
            watching = asyncio.create_task(repository.watch(settings.poll_seconds))
            closing.callback(watching.cancel)
        stop = asyncio.get_running_loop().create_future()
        host = _in_address(settings.host)
        rest_address = f"{host}:{rest_socket.getsockname()[1]}" if rest_socket else ""
        starting.set_result(_Started(f"{host}:{grpc_port}", rest_address, catalogue.available(), stop))
        await stop


async def _stop_grpc(server: grpc.aio.Server, grace: float) -> None:
    # gRPC releases the port of a server only if the server has been started. A second start is harmless.
    with contextlib.suppress(grpc.aio.UsageError):
        await server.start()
    await server.stop(grace)


def _metrics_path(models: Path) -> str | None:
    path = models / server_config.MONITORING
    if not path.exists():
        return None
    prometheus = read_text_proto(path, "MonitoringConfig").prometheus_config
    return prometheus.path if prometheus.enable else None


def _bind(server: grpc.aio.Server, port: int, settings: ServerSettings) -> int:
    host = settings.host
    _listen(host, port, "--grpc-port").close()  # a plain socket raises an error with its reason, which gRPC only logs
    address = f"{_in_address(host)}:{port}"
    try:
        if settings.tls is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, settings.tls.for_grpc())
    except RuntimeError as error:  # another process has taken the port since the check
        raise _port_in_use(host, port, "--grpc-port") from error


def _listen(host: str, port: int, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _port_in_use(host, port, option) from error
        raise UserError(
            f"cannot listen on {_in_address(host)}:{port} ({error.strerror}): check --host and {option}"
        ) from error


def _port_in_use(host: str, port: int, option: str) -> UserError:
    return UserError(
        f"port {port} on {host} is in use: stop the server that uses it, "
        f"or choose another port with {option} (0 picks a free one)"
    )


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
