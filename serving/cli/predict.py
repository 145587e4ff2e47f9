"""The command `ser predict`."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_pipeline.cli.options import ChosenTrack
from data_pipeline.errors import UserError
from serving.cli import options

if TYPE_CHECKING:
    from rich.console import Console

    from serving.errors import RecognitionError
    from serving.recognition.answer import EmotionAnswer
    from serving.recognition.emotion_recogniser import EmotionRecogniser

_DEFAULT_SERVER = "localhost:8500"
_BAR = 30  # width in characters of a bar for 100 %


def predict(
    audio: Annotated[
        list[str],
        typer.Argument(
            metavar="AUDIO...",
            help="Audio files, or videos with sound, of any format and sampling rate (WAV, FLAC, Ogg, MP3, M4A, WebM, "
            "AMR …); folders, in which every audio file is taken; URLs; or `-` for a file on standard input.",
            show_default=False,
        ),
    ],
    server: Annotated[
        str | None, typer.Option(help=f"HOST:PORT of a model server. [default: {_DEFAULT_SERVER}]")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a SavedModel to use in this process instead of a server: MODELS/NAME or "
            "MODELS/NAME/VERSION."
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the model on the server.")] = "ser",
    version: Annotated[int | None, typer.Option(min=0, help="Version of the model, instead of the newest.")] = None,
    label: Annotated[
        str | None, typer.Option(help="Label of the version, such as `stable`; labels are set in models.config.")
    ] = None,
    track: ChosenTrack = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per file, each on a line.")] = False,
    timeout: Annotated[float, typer.Option(min=0.001, help="Maximum number of seconds to wait for an answer.")] = 30.0,
    calls: Annotated[int, typer.Option(min=1, help="Maximum number of concurrent calls.")] = 4,
    tls: options.Encrypt = False,
    ca: options.Ca = None,
    certificate: options.Certificate = None,
    key: options.Key = None,
    server_name: options.ServerName = None,
) -> None:
    """Recognise the emotion in audio files.

    The answers come from a running server (`ser serve` or TensorFlow Serving) or, with --model, from a SavedModel in
    this process. Several files are sent in batches of similar lengths, and answered in the given order. A file that
    cannot be judged (damaged, silent, not speech, or with the two parties of a call) is reported, the others are
    answered, and the exit status is 1. In a folder, files that are not audio are passed over and counted.

    With --json each line is `{"file", "emotion", "probabilities": {emotion: p}, "confidence", "model_version",
    "latency_ms"}`, with "finding" where there is something to be said of the file, or `{"file", "error"}`; the latency
    is that of the file's batch.

    Examples: `ser predict clip.wav`, `ser predict calls/*.mp3 --server gpu-1:8500 --json`,
    `ser predict calls/ --track left --model models/ser`, `sox call.wav -t wav - | ser predict -`,
    `ser predict clip.wav --server speech.example.com:8500 --label canary --ca ca.crt`.
    """
    if server is not None and model is not None:
        raise UserError("--server and --model exclude each other: give only one of them")
    if version is not None and label is not None:
        raise UserError("--version and --label exclude each other: give only one of them")

    from rich.console import Console

    from serving.cli.named_audio import named_audio

    console = Console(highlight=False, soft_wrap=True)
    with contextlib.ExitStack() as closing:
        recogniser: EmotionRecogniser
        if model is not None:
            from serving.server.recogniser_in_process import InProcessRecogniser

            recogniser = InProcessRecogniser(model)
        else:
            from serving.client import EmotionClient

            certificates = options.tls_of(tls, ca, certificate, key, server_name)
            recogniser = client = closing.enter_context(
                EmotionClient(
                    server or _DEFAULT_SERVER,
                    name,
                    version=version,
                    version_label=label or "",
                    timeout=timeout,
                    concurrency=calls,
                    tls=certificates,
                )
            )
            client.check()
        # Which files a folder holds is settled before they are read.
        named = named_audio(audio)
        answers = recogniser.recognise_all((content for _, content in named), track)
        answered = [_report(file, answer, as_json, console) for (file, _), answer in zip(named, answers, strict=True)]
    if not all(answered):
        raise typer.Exit(1)


def _report(file: str, answer: "EmotionAnswer | RecognitionError", as_json: bool, console: "Console") -> bool:
    """Print the answer or the error for one file. Returns whether it is an answer."""
    import json

    if isinstance(answer, Exception):
        sentence = str(answer) if file in str(answer) else f"{file}: {answer}"
        if as_json:
            print(json.dumps({"file": file, "error": sentence}), flush=True)
        else:
            console.print(f"error: {sentence}\n", style="red", markup=False)
        return False
    if as_json:
        print(json.dumps(_as_document(file, answer)), flush=True)
    else:
        _draw(file, answer, console)
    return True


def _as_document(file: str, answer: "EmotionAnswer") -> dict:
    return {
        "file": file,
        "emotion": answer.emotion,
        "probabilities": answer.probabilities,
        "confidence": answer.confidence,
        "model_version": answer.model_version,
        "latency_ms": round(answer.latency * 1_000, 3),
        **({"finding": answer.finding} if answer.finding else {}),
    }


def _draw(file: str, answer: "EmotionAnswer", console: "Console") -> None:
    from rich.text import Text

    console.print(Text(file, "bold"))
    console.print(
        Text("  ")
        + Text(answer.emotion, f"bold {_colour(answer.emotion)}")
        + Text(
            f", confidence {answer.confidence:.0%}, in {answer.latency * 1_000:.1f} ms "
            f"from version {answer.model_version}"
        )
    )
    if answer.finding:
        console.print(Text(f"  {answer.finding}", "yellow"))
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
