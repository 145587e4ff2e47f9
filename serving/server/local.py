"""A model server for one machine: a laptop, CI, the demo. Production is TensorFlow Serving.

It answers TensorFlow Serving's own gRPC and REST APIs from the same model repository and configuration files,
so that whatever asks it can ask the real one unchanged. All of it runs on one event loop, but for the models,
which compute in threads of their own.
"""

import asyncio
import contextlib
import errno
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
from serving.server.batch_scheduler import BatchScheduler
from serving.server.batching_settings import BatchingSettings
from serving.server.catalogue import Catalogue
from serving.server.metrics import Metrics
from serving.server.predictor import Predictor
from serving.server.rest import RestApi
from serving.server.services import ModelService, PredictionService
from serving.server.sources import ModelSource, model_sources
from serving.server.tls import TlsSettings
from serving.server.unreadable_requests import UnreadableRequests
from serving.server.version_manager import VersionManager
from serving.server.watched_repository import WatchedRepository
from serving.tensors import MAX_MESSAGE_BYTES

_OPTIONS = [
    # Linux would let two servers share the port, each getting half of the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
]


@dataclass(frozen=True)
class ServerSettings:
    """How a repository is served.

    Attributes:
        host: Name or address of the interface to listen on; 0.0.0.0 is all of them.
        rest_port: 0 picks a free one; `None` answers gRPC only.
        batching: How calls become batches; `None` computes each alone.
        tls: Certificates, for both ports; `None` for none.
        poll_seconds: Between two looks at the repository; 0 never looks again.
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
    """A server that is answering until it is stopped. `start` makes one; it is also a context manager.

    Attributes:
        address: `host:port` as a gRPC client needs it.
        rest_address: The same of REST; empty where it is not answered.
        models: Names of the models served at the start, each with the versions.
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
        """Load every model of a repository and answer calls for them.

        Args:
            models: The model repository.
            port: For gRPC; 0 picks a free one.
            settings: How to serve.

        Raises:
            UserError: If an address cannot be listened on, or the repository holds no model that can be
                loaded.
        """
        # What takes no time comes first, loading last: a wrong folder is named whatever the port, and a wrong port
        # at once.
        sources = model_sources(models)
        loop = asyncio.new_event_loop()
        starting: Future[_Started] = Future()
        arguments = (loop, _serve(models, port, settings, sources, starting), starting)
        thread = Thread(target=_run, args=arguments, name="server", daemon=True)
        thread.start()
        return cls(thread, loop, starting.result())

    def stop(self) -> None:
        """Take no new calls, let the running ones finish within the grace, and close."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set_result, None)
            self._thread.join()

    def __enter__(self) -> "LocalServer":
        return self

    def __exit__(self, *_) -> None:
        self.stop()


@dataclass(frozen=True)
class _Started:
    address: str
    rest_address: str
    models: Mapping[str, tuple[int, ...]]
    stop: asyncio.Future


def _run(loop: asyncio.AbstractEventLoop, serving: Coroutine, starting: Future) -> None:
    """The thread of the server."""
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
    models: Path, port: int, settings: ServerSettings, sources: list[ModelSource], starting: Future
) -> None:
    """Everything from the first port to the last call."""
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
        shutdown_timeout=settings.grace,
    )
    server = grpc.aio.server(interceptors=[UnreadableRequests()], options=_OPTIONS)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(catalogue, predictor), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(catalogue, repository), server)
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)

    async with contextlib.AsyncExitStack() as closing:
        closing.push_async_callback(manager.close)
        closing.push_async_callback(scheduler.close)
        # From here on callers wait in the ports' queues until the models are loaded.
        rest_socket = None if settings.rest_port is None else _listen(settings.host, settings.rest_port, "--rest-port")
        if rest_socket is not None:
            closing.callback(rest_socket.close)
        grpc_port = _bind(server, port, settings)
        closing.push_async_callback(_stop_grpc, server, settings.grace)
        await repository.load(sources)

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
    # gRPC gives the port of a server back only if the server has been started; a second start is no error.
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
    _listen(host, port, "--grpc-port").close()  # a plain socket says what is wrong; gRPC only logs that
    address = f"{_in_address(host)}:{port}"
    try:
        if settings.tls is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, settings.tls.for_grpc())
    except RuntimeError as error:  # taken since the look
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
