"""The settings of a training of a speech transformer."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import InstanceOf

from data_pipeline.augment import AugmentSettings
from data_pipeline.errors import UserError
from data_pipeline.settings import Field, Flag, Range, Settings
from training.families.recipe import FitSettings, Recipe
from training.families.transformer.head_settings import HeadSettings

WAVEFORM_AUGMENTATION = AugmentSettings(band_masks=0, frame_masks=0, mixup=0.0)
"""Spectrogram masks and mixup do not apply to waveforms: networks mask their own frames."""


@dataclass(frozen=True, slots=True)
class TransformerRecipe(Recipe):
    """Everything that decides a training. Its own settings are described in their fields.

    Attributes:
        head: Shape of the head.
    """

    checkpoint: Annotated[
        str | None,
        Field(description="A checkpoint of the architecture: a name on the Hugging Face hub, or a folder."),
    ] = None
    revision: Annotated[
        str | None,
        Field(
            description="Branch, tag or commit of a checkpoint on the hub; the newest unless given. The run records "
            "the commit."
        ),
    ] = None
    architecture: Annotated[
        InstanceOf[Settings] | Annotated[Path, Field(strict=False)] | None,
        Field(
            description="Instead of a checkpoint: a `config.json`, whose network starts from random weights.",
        ),
        Flag("--architecture", "PATH"),
    ] = None
    head: HeadSettings = field(default_factory=HeadSettings)
    learn: Annotated[
        Literal["head", "encoder", "all", "lora"],
        Field(description="Which weights learn: `head`, `encoder` (all but the convolutions), `all` or `lora`."),
    ] = "encoder"
    lora_rank: Annotated[int, Field(ge=1, description="Rank of the LoRA adapters.")] = 8
    layer_decay: Annotated[
        float,
        Field(gt=0, le=1, description="Learning rate of an encoder layer, divided by that of the layer above it."),
        Range(0.7, 1.0),
    ] = 0.9
    head_scale: Annotated[
        float,
        Field(ge=0, description="Learning rate of the head, divided by that of the top layer."),
        Range(1.0, 30.0, log=True),
    ] = 10.0
    copies: Annotated[
        int,
        Field(
            ge=1,
            description="With `statistics` pooling and a backbone that does not learn: number of copies of each "
            "training clip, each changed by `fit.augment` in its own way, whose embeddings are computed once.",
        ),
    ] = 4
    precision: Annotated[
        Literal["float32", "float16", "bfloat16"],
        Field(description="Type of the products while training. Weights are float32."),
    ] = "float32"
    rematerialise: Annotated[
        bool,
        Field(description="Compute layers again for their gradients: less memory, a third more time."),
    ] = False
    fit: FitSettings = field(
        default_factory=lambda: FitSettings(
            epochs=10, patience=4, batch_size=16, learning_rate=1e-4, augment=WAVEFORM_AUGMENTATION
        )
    )

    @property
    def cached(self) -> bool:
        """Whether the head learns from embeddings that are computed once."""
        return self.learn == "head" and self.head.pooling == "statistics"


def check_start(recipe: TransformerRecipe) -> None:
    """Check where training starts.

    Raises:
        UserError: If there is neither a checkpoint nor an architecture, or both, or random layers would be frozen.
    """
    if (recipe.checkpoint is None) == (recipe.architecture is None):
        raise UserError("give either a --checkpoint, or an --architecture whose weights are random")
    if recipe.architecture is not None and recipe.learn in ("head", "lora"):
        raise UserError(f"--learn {recipe.learn} would keep random weights: give a --checkpoint, or learn all")
