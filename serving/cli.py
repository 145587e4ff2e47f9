"""The commands of serving: `ser export`, `ser serve` and `ser predict`."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_pipeline.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from serving.answer import EmotionAnswer
    from serving.client.tls import Tls
    from serving.emotion_recogniser import EmotionRecogniser
    from serving.errors import RecognitionError

_DEFAULT_SERVER = "localhost:8500"
_BAR = 30  # characters of a bar that means 100 %


def mount(app: typer.Typer) -> None:
    """Add the commands to `ser`."""
    app.command()(export)
    app.command()(serve)
    app.command()(predict)


def export(
    run: Annotated[Path, typer.Argument(help="Run folder that `ser train` has written.")],
    models: Annotated[Path, typer.Argument(help="Model repository to write to; made where it is missing.")],
    name: Annotated[str, typer.Option(help="What requests will call the model.")] = "ser",
    dtype: Annotated[
        str,
        typer.Option(
            help="Of weights and products: `float32`, or `bfloat16`: about half the size, and faster on processors "
            "that compute in it."
        ),
    ] = "float32",
) -> None:
    """Write a trained model for TensorFlow Serving.

    It becomes the next version in the repository, MODELS/NAME/VERSION: a SavedModel that takes audio, with
    its labels and the requests that warm it up. The version appears whole or not at all, so that a server
    may be watching.

    Example: `ser export runs/mobilenet models`, then `ser serve models`.
    """
    from rich.console import Console

    from serving.export import export as write_version
    from training.run import Run

    trained = Run.open(run)
    provenance = {"run": run.resolve().name, "synthetic": trained.synthetic, "temperature": trained.temperature}
    version = write_version(trained.recogniser(), models, name, provenance=provenance, dtype=dtype)
    size = sum(file.stat().st_size for file in version.rglob("*") if file.is_file())
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"Wrote [bold]{version}[/bold] ({size / 1e6:.1f} MB).", markup=True)
    if trained.synthetic:
        console.print("It learnt from synthetic speech: good for trying things out, not for people's voices.")
    console.print(f"Next: ser serve {models}")


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
    import signal
    import threading

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    from serving import server_config  # TensorFlow takes seconds, in which a signal may come
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
    print(f"Loading the models in {models} …", flush=True)
    with LocalServer.start(models, port=grpc_port, settings=settings) as server:
        for name, versions in server.models.items():
            print(f"Serving {name}, version {', '.join(map(str, versions))}", flush=True)
        print(f"Listening on {server.address} (gRPC) and {server.rest_address} (REST), TensorFlow Serving's API")
        print(f"Ask it:  ser predict FILE --server {server.address}{_name_option(list(server.models))}")
        print("Stop it: Ctrl+C", flush=True)
        stop.wait()
        print("Stopping …", flush=True)


def predict(
    audio: Annotated[
        list[Path],
        typer.Argument(help="Audio files of any format and rate: WAV, FLAC, Ogg, MP3 …", show_default=False),
    ],
    server: Annotated[
        str | None, typer.Option(help=f"HOST:PORT of a model server to ask. [default: {_DEFAULT_SERVER}]")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Ask a SavedModel here instead, without a server: MODELS/NAME or MODELS/NAME/VERSION."),
    ] = None,
    name: Annotated[str, typer.Option(help="What the server calls the model.")] = "ser",
    version: Annotated[int | None, typer.Option(min=0, help="Version to ask, instead of the newest.")] = None,
    label: Annotated[
        str | None, typer.Option(help="Version to ask by its label, such as `stable`; see models.config.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line and file.")] = False,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds to wait for each answer.")] = 30.0,
    calls: Annotated[int, typer.Option(min=1, help="Calls that are under way at a time.")] = 4,
    tls: Annotated[bool, typer.Option("--tls", help="Encrypt the connection; implied by the next four.")] = False,
    ca: Annotated[
        Path | None, typer.Option(help="PEM of the authority that vouches for the server. [default: the usual ones]")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="PEM of our own certificate, where the server asks for one (mutual TLS).")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="PEM of that certificate's key.")] = None,
    server_name: Annotated[
        str | None, typer.Option(help="Name in the server's certificate, where it is not that of --server.")
    ] = None,
) -> None:
    """Recognise the emotion in audio files.

    Asks a running server (`ser serve`, or TensorFlow Serving) or, with --model, a SavedModel in this
    process. Several files are asked about in batches of like lengths, and answered in their order. A file
    that cannot be judged is reported and the others are answered; the exit status is then 1.

    With --json each line is `{"file", "emotion", "probabilities": {emotion: p}, "confidence",
    "model_version", "latency_ms"}`, or `{"file", "error"}`; the latency is that of the file's batch.

    Examples: `ser predict clip.wav`, `ser predict calls/*.mp3 --server gpu-1:8500 --json`,
    `ser predict clip.wav --model models/ser`,
    `ser predict clip.wav --server speech.example.com:8500 --label canary --ca ca.crt`.
    """
    if server is not None and model is not None:
        raise UserError("--server and --model exclude each other: ask a server or a SavedModel here, not both")
    if version is not None and label is not None:
        raise UserError("--version and --label exclude each other: name the version by one of them")

    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if model is not None:
        recogniser = _in_process(model)
    else:
        encrypted = tls or any((ca, certificate, key, server_name))
        recogniser = _client(
            server or _DEFAULT_SERVER,
            name,
            version=version,
            version_label=label or "",
            timeout=timeout,
            concurrency=calls,
            tls=_tls(ca, certificate, key, server_name) if encrypted else None,
        )
    with recogniser as ready:
        answered = [
            _report(file, answer, as_json, console)
            for file, answer in zip(audio, ready.recognise_all(audio), strict=True)
        ]
    if not all(answered):
        raise typer.Exit(1)


@contextlib.contextmanager
def _in_process(model: Path) -> Iterator["EmotionRecogniser"]:
    from serving.recogniser_in_process import InProcessRecogniser

    yield InProcessRecogniser(model)


@contextlib.contextmanager
def _client(server: str, name: str, **choices: Any) -> Iterator["EmotionRecogniser"]:
    from serving.client import EmotionClient

    with EmotionClient(server, name, **choices) as client:
        client.check()
        yield client


def _tls(ca: Path | None, certificate: Path | None, key: Path | None, server_name: str | None) -> "Tls":
    from serving.client.tls import Tls

    return Tls.from_files(ca, certificate, key, server_name)


def _report(file: Path, answer: "EmotionAnswer | RecognitionError", as_json: bool, console: "Console") -> bool:
    """Print what came back about one file; whether it is an answer."""
    import json

    if isinstance(answer, Exception):
        sentence = str(answer) if str(file) in str(answer) else f"{file}: {answer}"
        if as_json:
            print(json.dumps({"file": str(file), "error": sentence}), flush=True)
        else:
            console.print(f"error: {sentence}\n", style="red", markup=False)
        return False
    if as_json:
        print(json.dumps(_as_document(file, answer)), flush=True)
    else:
        _draw(file, answer, console)
    return True


def _as_document(file: Path, answer: "EmotionAnswer") -> dict:
    return {
        "file": str(file),
        "emotion": answer.emotion,
        "probabilities": answer.probabilities,
        "confidence": answer.confidence,
        "model_version": answer.model_version,
        "latency_ms": round(answer.latency * 1_000, 3),
    }


def _draw(file: Path, answer: "EmotionAnswer", console: "Console") -> None:
    from rich.text import Text

    console.print(Text(str(file), "bold"))
    console.print(
        Text("  ")
        + Text(answer.emotion, f"bold {_colour(answer.emotion)}")
        + Text(
            f", confidence {answer.confidence:.0%}, in {answer.latency * 1_000:.1f} ms "
            f"from version {answer.model_version}"
        )
    )
    width = max(map(len, answer.probabilities))
    for emotion, probability in answer.probabilities.items():
        bar = "█" * round(_BAR * probability)
        console.print(
            Text(f"  {emotion:<{width}} ") + Text(f"{bar:<{_BAR}}", _colour(emotion)) + Text(f" {probability:6.1%}")
        )
    console.print()


def _colour(emotion: str) -> str:
    from data_pipeline.emotion import PALETTE, Emotion

    return PALETTE[Emotion(emotion)] if emotion in Emotion.__members__.values() else "default"


def _name_option(names: list[str]) -> str:
    """What `ser predict` needs to be told where the served models do not include its default one."""
    return "" if "ser" in names else f" --name {names[0]}"
