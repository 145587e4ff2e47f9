"""Options that training commands share. Each is None unless given, so that a preset's value counts."""

from pathlib import Path
from typing import Annotated, Any

import typer

Data = Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")]
RunFolder = Annotated[
    Path, typer.Argument(help="The run folder to write; the same command goes on where an interrupted one stopped.")
]

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings in the words of a run's `config.json`: a TOML or JSON file, or a run folder, whose settings are "
        "taken. What is given beside it counts more.",
    ),
]

Pooling = Annotated[
    str | None,
    typer.Option(help="Over time: `mean`, or `attentive` (mean and deviation of frames, weighted by attention)."),
]
Hidden = Annotated[int | None, typer.Option(help="Units of the added dense layer.", min=1)]
Dropout = Annotated[float | None, typer.Option(help="Rate in the added layers.", min=0.0, max=0.95)]
TrainingDtype = Annotated[
    str | None,
    typer.Option(help="Of products while training: `float32`, or `bfloat16` for processors that have it."),
]

Epochs = Annotated[int | None, typer.Option(help="Passes over the training clips at most.", min=1)]
Patience = Annotated[int | None, typer.Option(help="Stop after so many epochs without a better validation UA.", min=1)]
BatchSize = Annotated[int | None, typer.Option(help="Clips a step.", min=1)]
LearningRate = Annotated[float | None, typer.Option(help="Peak, after warm-up and before the cosine.", min=0.0)]
Schedule = Annotated[str | None, typer.Option(help="`cosine`, after a warm-up, or `constant`.")]
WarmupEpochs = Annotated[float | None, typer.Option(help="Length of the warm-up.", min=0.0)]
WeightDecay = Annotated[float | None, typer.Option(help="Of AdamW.", min=0.0)]
LabelSmoothing = Annotated[float | None, typer.Option(help="Share of a label spread over all.", min=0.0, max=0.9)]
ClassBalance = Annotated[
    float | None, typer.Option(help="1: every class counts alike; 0: every clip does.", min=0.0, max=1.0)
]
Average = Annotated[
    float | None,
    typer.Option(help="Share of the past in the moving average of the weights, which is kept; 0: none.", min=0.0),
]
Keep = Annotated[str | None, typer.Option(help="Whose weights: `best` (epoch on the validation speakers) or `last`.")]
ValidateEvery = Annotated[
    int | None, typer.Option(help="Epochs from one look at the validation speakers to the next.", min=1)
]
CropSeconds = Annotated[float | None, typer.Option(help="At most so much of a clip a step.", min=0.1)]

Mixup = Annotated[float | None, typer.Option(help="Strength of mixup; 0 switches it off.", min=0.0)]
BandMasks = Annotated[int | None, typer.Option(help="SpecAugment's masks over bands, of each clip.", min=0)]
FrameMasks = Annotated[int | None, typer.Option(help="SpecAugment's masks over frames, of each clip.", min=0)]
Gain = Annotated[float | None, typer.Option(help="Decibels by which a clip may be louder or softer.", min=0.0)]
Shift = Annotated[float | None, typer.Option(help="Seconds by which a crop may start early or late.", min=0.0)]
Speed = Annotated[
    float | None, typer.Option(help="Share of clips played up to 10 % faster or slower.", min=0.0, max=1.0)
]
Noise = Annotated[
    float | None,
    typer.Option(help="Share of clips that noise is added to, 5 to 30 dB below the voice.", min=0.0, max=1.0),
]
NoiseFolder = Annotated[
    Path | None, typer.Option(help="Recordings to take the noise from; coloured noise unless given.")
]
Reverberation = Annotated[
    float | None, typer.Option(help="Share of clips that are put into a synthetic room.", min=0.0, max=1.0)
]
Telephone = Annotated[
    float | None, typer.Option(help="Share of clips that go through a telephone channel.", min=0.0, max=1.0)
]

Labels = Annotated[
    str | None,
    typer.Option(
        help="Whose word is learned: `acted` (what the speaker was asked for), `voted` (what most listeners heard) "
        "or `soft` (the shares of their votes). Clips without votes count as acted; data without any is refused."
    ),
]
VotesShare = Annotated[
    float | None,
    typer.Option(help="Share of an acted label that is spread as listeners' votes are.", min=0.0, max=1.0),
]
Emotions = Annotated[
    str | None,
    typer.Option(
        help="Emotions to tell apart, separated by commas, each with training clips; others are left out. "
        "CREMA-D's six unless given."
    ),
]
Jit = Annotated[
    bool | None,
    typer.Option("--jit/--no-jit", help="Compile steps with XLA, anew for each length of a batch; worth it on GPUs."),
]
Strategy = Annotated[
    str,
    typer.Option(
        help="Of TensorFlow, for many devices: `mirrored` (all GPUs of this machine) or `multiworker` (those of all "
        "machines that the environment variable TF_CONFIG names; give each the same command). A batch is divided "
        "among them."
    ),
]
Seed = Annotated[int | None, typer.Option(help="Of initial weights, order, dropout and augmentation.", min=0)]


def recipe_to_start_from(family: str, preset: str | None, config: Path | None) -> Any:
    """The recipe that options change: that of a file, or of a preset.

    Args:
        family: Of models.
        preset: Its name, or None for the file's, or else for the family's first.
        config: A file with settings, or a run folder.

    Raises:
        UserError: If there is no such preset, or the file cannot be read or states what cannot be.
    """
    from training.families.config_file import read_config
    from training.families.registry import family_named

    return family_named(family).recipe(read_config(config) if config else {}, preset, str(config) if config else "")


def given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def emotion_names(emotions: str | None) -> tuple[str, ...] | None:
    """What `--emotions` lists, or None where it is not given."""
    return None if emotions is None else tuple(word.strip() for word in emotions.split(","))
