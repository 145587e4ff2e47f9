"""What decides a training, whatever the family: labels, data augmentation, optimiser, schedule, stopping rule."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from data_pipeline.augment import AugmentSettings
from data_pipeline.settings import Choice, Field, Range, Settings
from data_pipeline.targets import Target


@dataclass(frozen=True, slots=True)
class FitSettings(Settings):
    """How a model is fitted. Each setting is described in its field.

    Raises:
        UserError: If a value is out of its range.
    """

    epochs: Annotated[int, Field(ge=1, description="Maximum number of passes over the training clips.")] = 16
    patience: Annotated[
        int, Field(ge=1, description="Stop after this number of epochs without a better UA on the validation speakers.")
    ] = 6
    batch_size: Annotated[int, Field(ge=1, description="Number of clips per step."), Choice((16, 32, 64))] = 32
    learning_rate: Annotated[float, Field(ge=0, description="Highest learning rate of the schedule.")] = 5e-4
    schedule: Annotated[
        Literal["cosine", "constant"],
        Field(
            description="Learning rate schedule: `cosine` (a linear warm-up, then half a cosine down to zero) or "
            "`constant`."
        ),
    ] = "cosine"
    warmup_epochs: Annotated[float, Field(ge=0, description="Length of the warm-up in epochs.")] = 1.0
    accumulate: Annotated[
        int, Field(ge=1, description="Number of steps whose gradients are averaged for one update of the weights.")
    ] = 1
    weight_decay: Annotated[
        float,
        Field(ge=0, description="Weight decay of AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101)."),
        Range(1e-3, 1e-1, log=True),
    ] = 0.01
    label_smoothing: Annotated[
        float,
        Field(ge=0, le=0.9, description="Share of each label that is spread evenly over all classes."),
        Range(0.0, 0.2),
    ] = 0.1
    class_balance: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="Balance of the loss: 1 if every class counts alike, 0 if every clip does.",
        ),
    ] = 0.0
    average: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="Momentum of the moving average of the weights, such as 0.995; the average is evaluated and "
            "kept. It covers about 1 / (1 - average) steps. 0 for no average.",
        ),
    ] = 0.0
    crop_seconds: Annotated[
        float,
        Field(gt=0, description="Length of the longest crop in seconds that a training step uses of a clip. "
              "Evaluation uses whole clips."),
    ] = 3.0  # fmt: skip
    seed: Annotated[int, Field(ge=0, description="Seed of initial weights, clip order, dropout and augmentation.")] = 0
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    keep: Annotated[
        Literal["best", "last"],
        Field(
            description="Which weights are kept: `best` (of the epoch with the best UA on the validation speakers) or "
            "`last` (after all epochs; figures on the validation speakers are then not optimistic)."
        ),
    ] = "best"
    validate_every: Annotated[
        int,
        Field(
            ge=1,
            description="Number of epochs between evaluations on the validation speakers. There is always one after "
            "the last epoch. Only evaluated epochs can be kept.",
        ),
    ] = 1
    jit: Annotated[
        bool | None,
        Field(
            description="Compile the steps with XLA, once for each length of a batch; this pays on GPUs. The family of "
            "models decides unless this is given."
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Recipe(Settings):
    """Everything that decides a training. Each family adds its own settings.

    Attributes:
        fit: How the model is fitted.
        target: Which labels there are, and whether the model learns the acted emotion or the listeners' votes.
    """

    fit: FitSettings = field(default_factory=FitSettings)
    target: Target = field(default_factory=Target)
