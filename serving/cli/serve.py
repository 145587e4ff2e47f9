"""The command `ser serve`."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    models: Annotated[Path, typer.Argument(help="Model repository that `ser export` has written.")],
    grpc_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port to answer gRPC on; 0 picks a free one.")
    ] = 8500,
    rest_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port for REST and Prometheus; 0 picks a free one.")
    ] = 8501,
    host: Annotated[str, typer.Option(help="Interface to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    batching: Annotated[
        bool, typer.Option(help="Compute calls that come at the same time together, where there is a batching.config.")
    ] = True,
    batching_parameters_file: Annotated[
        Path | None, typer.Option(help="Instead of MODELS/batching.config.", show_default=False)
    ] = None,
    ssl_config_file: Annotated[
        Path | None,
        typer.Option(help="TLS, or mutual TLS: `deployment/tls/ssl-config.sh` writes such a file.", show_default=False),
    ] = None,
    tensorflow_intra_op_parallelism: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Threads that compute one batch. [default: the processors, divided by num_batch_threads]",
            show_default=False,
        ),
    ] = None,
    poll_wait_seconds: Annotated[
        float, typer.Option(min=0, help="Between two looks for new versions and models; 0 never looks again.")
    ] = 1.0,
) -> None:
    """Answer gRPC and REST calls with the models of a repository, on this machine.

    It speaks TensorFlow Serving's own API, so that every TensorFlow Serving client can ask it, and reads the
    same models.config, batching.config and monitoring.config. It is for a laptop, CI or a demo; in production,
    TensorFlow Serving itself serves the same folder. It serves what MODELS/models.config lists, or else each
    model's newest version, and takes up new ones, until Ctrl+C or SIGTERM, after which it finishes the running
    calls.

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
    from serving.server.local import LocalServer, ServerSettings
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
        # TensorFlow has one pool of threads a process, made by whatever first computes something; a session's own
        # settings would come too late where several models are served.
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
    print(f"Loading the models in {models} …", flush=True)
    with LocalServer.start(models, port=grpc_port, settings=settings) as server:
        for name, versions in server.models.items():
            print(f"Serving {name}, version {', '.join(map(str, versions))}", flush=True)
        print(f"Listening on {server.address} (gRPC) and {server.rest_address} (REST), TensorFlow Serving's API")
        print(f"Ask it:  ser predict FILE --server {server.address}{_name_option(list(server.models))}")
        print("Stop it: Ctrl+C", flush=True)
        stop.wait()
        print("Stopping …", flush=True)


def _name_option(names: list[str]) -> str:
    """What `ser predict` needs to be told where the served models do not include its default one."""
    return "" if "ser" in names else f" --name {names[0]}"
