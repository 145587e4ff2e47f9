"""The commands `ser train`, `ser evaluate`, `ser calibrate` and `ser checkpoint`."""

from pathlib import Path
from typing import Annotated

import typer

from training.checkpoint_cli import checkpoint_app
from training.cnn_cli import cnn
from training.mobilenet_cli import mobilenet
from training.wav2vec2_cli import wav2vec2

train_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Train a model on a prepared dataset and leave a run folder.",
)


def mount(app: typer.Typer) -> None:
    """Add this package's commands to `ser`."""
    for command in (mobilenet, cnn, wav2vec2):
        train_app.command(no_args_is_help=True)(command)
    app.add_typer(train_app, name="train")
    app.add_typer(checkpoint_app, name="checkpoint")
    app.command()(evaluate)
    app.command()(calibrate)


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder (`ser train`).")],
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    split: Annotated[str, typer.Option(help="Which side: `train`, `validation` or `test`.")] = "validation",
    channel: Annotated[
        str,
        typer.Option(
            help="What the clips go through first: `clean`, `telephone` (300 to 3,400 Hz, 8 kHz, G.711 µ-law) or "
            "`telephone-alaw`."
        ),
    ] = "clean",
    packet_loss: Annotated[
        float, typer.Option(help="Share of packets that the telephone loses.", min=0.0, max=0.9)
    ] = 0.0,
    labels: Annotated[
        str,
        typer.Option(
            help="Measure against `acted`, or against `voted`: what most listeners heard. Clips without votes count as "
            "acted; data without any is refused."
        ),
    ] = "acted",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the metrics to this file, as one JSON object.")
    ] = None,
) -> None:
    """Measure a run: WA, UA, macro-F1, each class, the confusion matrix.

    Intervals are 95 %, by bootstrap over speakers. The metrics go into `metrics.json` of the run, a key for each
    split, channel and kind of labels, and into its `report.html`; `--json FILE` writes the object of this one alone:
    `{"split", "clips", "wa", "wa_interval", "ua", "macro_f1", "ece", "per_class", "labels", "confusion", ...}`, rates
    between 0 and 1. Rows of `confusion` are the right emotion (the acted one, or with `--labels voted` the one most
    heard), columns the answers.

    Examples: `ser evaluate out/run out/data --split validation --json metrics.json`,
    `ser evaluate out/run out/data --channel telephone`
    """
    import json

    from data_pipeline.atomic_file import write_text
    from data_pipeline.dataset import Dataset
    from data_pipeline.errors import UserError
    from data_pipeline.targets import Target
    from training import report
    from training.evaluate import Condition
    from training.evaluate import evaluate as measure
    from training.progress import clip_bar
    from training.run import Run

    if json_file and (json_file.is_dir() or not json_file.absolute().parent.is_dir()):
        raise UserError(f"{json_file} is no place for a file: give --json a file name in a folder that exists")
    condition = Condition(split, channel, packet_loss, labels)
    opened, dataset = Run.open(run), Dataset.open(data)
    # A damaged metrics.json is better found before the clips are gone through.
    opened.metrics()
    with clip_bar("evaluating", Target(opened.labels).clips(dataset.side(split))) as advance:
        metrics = measure(opened, dataset, condition, advance)
    opened.record_metrics(metrics)
    page = report.write(opened)
    report.show(metrics)
    written = [str(opened.folder / "metrics.json"), str(page)]
    if json_file:
        write_text(json_file, json.dumps(metrics, indent=2) + "\n")
        written.append(str(json_file))
    typer.echo("written: " + ", ".join(written))


def calibrate(
    run: Annotated[Path, typer.Argument(help="A run folder (`ser train`).")],
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    split: Annotated[
        str, typer.Option(help="The side to fit on: speakers that the run was not trained on.")
    ] = "validation",
    channel: Annotated[str, typer.Option(help="What the clips go through first, see `ser evaluate`.")] = "clean",
) -> None:
    """Make a run's confidence mean what it says: fit a temperature by which its logits are divided.

    It goes into `calibration.json` of the run; `ser evaluate` and `ser export` apply it from then on. Which emotion
    wins never changes. The error to expect of other speakers is told by fitting without each speaker in turn.

    Example: `ser calibrate out/run out/data`, then `ser evaluate out/run out/data`
    """
    from data_pipeline.dataset import Dataset
    from data_pipeline.targets import Target
    from training.calibrate import calibrate as fit
    from training.evaluate import Condition
    from training.progress import clip_bar
    from training.run import Run

    condition = Condition(split, channel)
    opened, dataset = Run.open(run), Dataset.open(data)
    with clip_bar("answering", Target(opened.labels).clips(dataset.side(split))) as advance:
        found = fit(opened, dataset, condition, advance)
    typer.echo(
        f"temperature {found['temperature']:.3f}, fitted on {found['clips']:,} clips of "
        f"{len(found['speakers'])} speakers\n"
        f"ECE before {found['ece_before']:.1%}, after {found['ece_fitted']:.1%}, on speakers that did not fit it "
        f"{found['ece_cross_fitted']:.1%}\n"
        f"written: {opened.folder / 'calibration.json'}\n"
        f"next: ser evaluate {run} {data}"
    )
