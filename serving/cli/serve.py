"""The command `ser serve`."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer


def serve(
    models: Annotated[Path, typer.Argument(help="Model repository that `ser export` has written.")],
    grpc_port: Annotated[int, typer.Option(min=0, max=65_535, help="Port for gRPC; 0 picks a free one.")] = 8500,
    rest_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port for REST and Prometheus; 0 picks a free one.")
    ] = 8501,
    host: Annotated[
        str, typer.Option(help="Interface to listen on; 0.0.0.0 also accepts calls from other machines.")
    ] = "127.0.0.1",
    batching: Annotated[
        bool, typer.Option(help="Compute concurrent calls in batches, if there is a batching.config.")
    ] = True,
    batching_parameters_file: Annotated[
        Path | None,
        typer.Option(help="Batching parameters to use instead of MODELS/batching.config.", show_default=False),
    ] = None,
    ssl_config_file: Annotated[
        Path | None,
        typer.Option(
            help="Certificates for TLS or mutual TLS; `deployment/tls/ssl-config.sh` writes such a file.",
            show_default=False,
        ),
    ] = None,
    tensorflow_intra_op_parallelism: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Threads that compute one batch. [default: number of processors, divided by num_batch_threads]",
            show_default=False,
        ),
    ] = None,
    poll_wait_seconds: Annotated[
        float, typer.Option(min=0, help="Seconds between two checks for new versions and models; 0 never checks.")
    ] = 1.0,
) -> None:
    """Serve the models of a repository over gRPC and REST, on this machine.

    The server has TensorFlow Serving's own API, so every TensorFlow Serving client can call it, and it reads the same
    models.config, batching.config and monitoring.config. It is meant for a laptop, CI or a demo; in production,
    TensorFlow Serving itself serves the same folder. It serves what MODELS/models.config lists, or else the newest
    version of each model, and loads new versions while it runs. Its log, on standard error, has a line for each version
    that it loads or unloads. After Ctrl+C or SIGTERM it finishes the running calls and stops.

    Example: `ser serve models`, and in another terminal `ser predict clip.wav`.
    """
    import os
    import signal
    import threading

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    from serving.model_repository import server_config
    from serving.server.batching_settings import BatchingSettings
    from serving.server.local_server import LocalServer, ServerSettings
    from serving.server.tls import TlsSettings

    batching_file = batching_parameters_file or models / server_config.BATCHING
    read_batching = batching and (batching_parameters_file is not None or batching_file.exists())
    settings = ServerSettings(
        host=host,
        rest_port=rest_port,
        batching=BatchingSettings.read(batching_file) if read_batching else None,
        tls=TlsSettings.read(ssl_config_file) if ssl_config_file else None,
        poll_seconds=poll_wait_seconds,
    )
    if threads := tensorflow_intra_op_parallelism or (settings.batching and settings.batching.threads_a_batch):
        # TensorFlow has one thread pool per process, created by the first computation. The settings of a session would
        # come too late if several models are served.
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
    print(f"Loading the models in {models} …", flush=True)
    with _log_on_standard_error(), LocalServer.start(models, port=grpc_port, settings=settings) as server:
        for name, versions in server.models.items():
            print(f"Serving {name}, version {', '.join(map(str, versions))}", flush=True)
        print(f"Listening on {server.address} (gRPC) and {server.rest_address} (REST), TensorFlow Serving's API")
        print(f"Ask it:  ser predict FILE --server {server.address}{_name_option(list(server.models))}")
        print("Stop it: Ctrl+C", flush=True)
        stop.wait()
        print("Stopping …", flush=True)


@contextlib.contextmanager
def _log_on_standard_error() -> Iterator[None]:
    """Write the server's log, each line with its time, but not that of the libraries that it uses."""
    log, handler = logging.getLogger("serving"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


def _name_option(names: list[str]) -> str:
    """The option of `ser predict` that names a model, if no served model has the default name."""
    return "" if "ser" in names else f" --name {names[0]}"
