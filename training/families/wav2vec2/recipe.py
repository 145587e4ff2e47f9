"""The settings of a training of wav2vec 2.0 or HuBERT, and named recipes.

| preset | what it is |
| --- | --- |
| `fine-tune` | the encoder learns, lower layers slower; learned mix of layers, attentive statistics |
| `lora` | adapters of rank 8 learn, for a machine with little memory |
| `frozen` | only the head learns, on fixed features: quick, and a baseline for the others |
| `study` | as the study did it: 2 s crops, Adam at 1e-5, batch 32, 10 epochs, dropout 0.5, mean of the last layer |
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import InstanceOf

from data_pipeline.augment import AugmentSettings
from data_pipeline.errors import UserError
from data_pipeline.settings import Field, Flag, Range
from training.families.recipe import FitSettings, Recipe
from training.families.wav2vec2.settings import HeadSettings, Wav2Vec2Settings

# Spectrogram masks and mixup do not apply to waveforms: the network masks its own frames.
_WAVEFORM_AUGMENTATION = AugmentSettings(band_masks=0, frame_masks=0, mixup=0.0)


@dataclass(frozen=True, slots=True)
class Wav2Vec2Recipe(Recipe):
    """Everything that decides a training. Its own settings are described in their fields.

    Attributes:
        head: Shape of the head.
    """

    checkpoint: Annotated[
        str | None,
        Field(description="A wav2vec 2.0 or HuBERT checkpoint: a name on the Hugging Face hub, or a folder."),
    ] = None
    revision: Annotated[
        str | None,
        Field(
            description="Branch, tag or commit of a checkpoint on the hub; the newest unless given. The run records "
            "the commit."
        ),
    ] = None
    architecture: Annotated[
        InstanceOf[Wav2Vec2Settings] | Annotated[Path, Field(strict=False)] | None,
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
            epochs=10, patience=4, batch_size=16, learning_rate=1e-4, augment=_WAVEFORM_AUGMENTATION
        )
    )


_FINE_TUNE = Wav2Vec2Recipe()

PRESETS = {
    "fine-tune": _FINE_TUNE,
    "lora": replace(_FINE_TUNE, learn="lora", layer_decay=1.0, fit=replace(_FINE_TUNE.fit, learning_rate=5e-4)),
    "frozen": replace(_FINE_TUNE, learn="head", head_scale=1.0, fit=replace(_FINE_TUNE.fit, learning_rate=1e-3)),
    "study": Wav2Vec2Recipe(
        head=HeadSettings(layers="last", projection=0, pooling="mean", dropout=0.5),
        learn="all",
        layer_decay=1.0,
        head_scale=1.0,
        fit=FitSettings(
            epochs=10,
            patience=10,
            batch_size=32,
            learning_rate=1e-5,
            schedule="constant",
            weight_decay=0.0,
            label_smoothing=0.0,
            crop_seconds=2.0,
            augment=replace(_WAVEFORM_AUGMENTATION, shift=0.0, gain=0.0),
        ),
    ),
}


def check_start(recipe: Wav2Vec2Recipe) -> None:
    """Check where training starts.

    Raises:
        UserError: If there is neither a checkpoint nor an architecture, or both, or random layers would be frozen.
    """
    if (recipe.checkpoint is None) == (recipe.architecture is None):
        raise UserError("give either a --checkpoint, or an --architecture whose weights are random")
    if recipe.architecture is not None and recipe.learn in ("head", "lora"):
        raise UserError(f"--learn {recipe.learn} would keep random weights: give a --checkpoint, or learn all")
