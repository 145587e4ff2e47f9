"""The commands `ser train`, `ser evaluate` and `ser checkpoint`."""

from pathlib import Path
from typing import Annotated

import typer

from training.checkpoint_cli import checkpoint_app
from training.wav2vec2_cli import wav2vec2

train_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Train a model on a prepared dataset and leave a run folder.",
)


def mount(app: typer.Typer) -> None:
    """Add this package's commands to `ser`."""
    train_app.command(no_args_is_help=True)(wav2vec2)
    app.add_typer(train_app, name="train")
    app.add_typer(checkpoint_app, name="checkpoint")
    app.command()(evaluate)


@train_app.command(no_args_is_help=True)
def mobilenet(
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    run: Annotated[
        Path, typer.Argument(help="The run folder to write; the same command goes on where an interrupted one stopped.")
    ],
    weights: Annotated[
        str,
        typer.Option(help="Initial weights: `none`, a `yamnet.h5` (AudioSet) or a Keras ImageNet MobileNet file."),
    ] = "none",
    unfreeze: Annotated[
        str, typer.Option(help="Which part of the body learns: `none`, `last` (the last block) or `all`.")
    ] = "all",
    alpha: Annotated[float, typer.Option(help="Width; given weights bring their own.", min=0.05, max=2.0)] = 1.0,
    epochs: Annotated[int, typer.Option(help="Passes over the training clips at most.", min=1)] = 16,
    patience: Annotated[int, typer.Option(help="Stop after so many epochs without a better validation UA.", min=1)] = 6,
    batch_size: Annotated[int, typer.Option(help="Clips a step.", min=1)] = 32,
    learning_rate: Annotated[float, typer.Option(help="Peak, after warm-up and before the cosine.", min=0.0)] = 5e-4,
    hidden: Annotated[int, typer.Option(help="Units of the added dense layer.", min=1)] = 256,
    dropout: Annotated[float, typer.Option(help="Rate in the added layers.", min=0.0, max=0.95)] = 0.3,
    label_smoothing: Annotated[float, typer.Option(help="Share of a label spread over all.", min=0.0, max=0.9)] = 0.1,
    mixup: Annotated[float, typer.Option(help="Strength of mixup; 0 switches it off.", min=0.0)] = 0.2,
    speed: Annotated[
        float, typer.Option(help="Share of clips played up to 10 % faster or slower.", min=0.0, max=1.0)
    ] = 0.0,
    noise: Annotated[
        float, typer.Option(help="Share of clips that noise is added to, 5 to 30 dB below the voice.", min=0.0, max=1.0)
    ] = 0.0,
    noise_folder: Annotated[
        Path | None, typer.Option(help="Recordings to take the noise from; coloured noise unless given.")
    ] = None,
    reverberation: Annotated[
        float, typer.Option(help="Share of clips that are put into a synthetic room.", min=0.0, max=1.0)
    ] = 0.0,
    telephone: Annotated[
        float, typer.Option(help="Share of clips that go through a telephone channel.", min=0.0, max=1.0)
    ] = 0.0,
    labels: Annotated[
        str,
        typer.Option(
            help="Whose word is learned: `acted` (what the speaker was asked for), `voted` (what most listeners heard) "
            "or `soft` (the shares of their votes). Clips without votes count as acted; data without any is refused."
        ),
    ] = "acted",
    emotions: Annotated[
        str | None,
        typer.Option(
            help="Emotions to tell apart, separated by commas, each with training clips; others are left out. "
            "CREMA-D's six unless given."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of initial weights, order, dropout and augmentation.", min=0)] = 0,
) -> None:
    """Train a MobileNet on log-mel spectrograms.

    Keeps the weights of the epoch with the best unweighted accuracy (UA) on the validation speakers.

    Examples: `ser train mobilenet out/data out/run --weights yamnet.h5`, and for calls
    `ser train mobilenet out/data out/run --weights yamnet.h5 --telephone 0.5 --noise 0.3`
    """
    from data_pipeline.augment import AugmentSettings
    from data_pipeline.dataset import Dataset
    from data_pipeline.emotion import LABELS
    from data_pipeline.targets import Target
    from training.fit import FitSettings
    from training.mobilenet_recipe import MobileNetRecipe, train
    from training.models.mobilenet import MobileNetSettings
    from training.progress import ProgressBars

    recipe = MobileNetRecipe(
        model=MobileNetSettings(alpha=alpha, hidden=hidden, dropout=dropout),
        weights=None if weights == "none" else Path(weights),
        unfreeze=unfreeze,
        fit=FitSettings(
            epochs=epochs,
            patience=patience,
            batch_size=batch_size,
            learning_rate=learning_rate,
            label_smoothing=label_smoothing,
            seed=seed,
            augment=AugmentSettings(
                mixup=mixup,
                speed=speed,
                noise=noise,
                noise_folder=str(noise_folder) if noise_folder else None,
                reverberation=reverberation,
                telephone=telephone,
            ),
        ),
        target=Target(tuple(word.strip() for word in emotions.split(",")) if emotions is not None else LABELS, labels),
    )
    dataset = Dataset.open(data)
    if noise_folder and noise:
        _report_noise(noise_folder)
    for name in ("train", "validation"):
        outside = recipe.target.outside(dataset.side(name))
        if outside:
            counts = ", ".join(f"{emotion} {count:,}" for emotion, count in outside.items())
            typer.echo(f"left out of the {name} side, having none of the labels: {counts}")
    with ProgressBars(epochs) as bars:
        trained, best = train(recipe, dataset, run, bars)
    for name, without in trained.config["data"]["without_votes"].items():
        if without:
            clips = trained.config["data"]["clips"][name]
            typer.echo(f"{without:,} of {clips:,} {name} clips have no votes and count as acted")
    typer.echo(
        f"best epoch {best.epoch}: validation WA {best.validation_wa:.1%}, UA {best.validation_ua:.1%}\n"
        f"run folder: {trained.folder}\n"
        f"next: ser evaluate {trained.folder} {data}"
    )


def _report_noise(folder: Path) -> None:
    from data_pipeline.augment.noise import noise_bank

    unusable = noise_bank(str(folder)).set_aside
    if unusable:
        typer.echo(f"noise files set aside, {len(unusable)} in all: " + "; ".join(map(str, unusable[:5])))


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
