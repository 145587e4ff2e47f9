"""The settings of MobileNet and of its training, and named recipes.

`ser train mobilenet DATA RUN --preset NAME` on CREMA-D, with `--weights yamnet.h5` for the first three:

| preset | what it is | WA |
| --- | --- | --- |
| `plain` | the same learning rate for all weights, mean over windows; 16 epochs | 70 % on 9 actors |
| `telephone` | half of the clips through a telephone channel, half faster or slower; attention, averaged weights, \
layer-wise learning rates; 30 epochs, since 16 are too few for so much variety | 65 % on 72 actors, 66 % by telephone |
| `listeners` | `telephone`, with 30 % of each label spread as the listeners voted (a corpus without votes cannot be \
used); 36 epochs | 66 % on 72 actors, 66 % by telephone |
| `scratch` | alpha 0.25 from random weights, with a higher learning rate; 20 epochs | 49 % on 9 actors |

The 9 actors are the validation speakers, on whom the epoch was chosen, and they are easy ones. The 72 actors are the
test speakers of five folds. `docs/results.md` has the intervals, the times, and the commands that measured them.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from data_pipeline.audio.log_mel_settings import LogMelSettings
from data_pipeline.augment import AugmentSettings
from data_pipeline.settings import Field, Flag, Range, Settings
from data_pipeline.targets import Target
from training.families.recipe import FitSettings, Recipe
from training.layers.choices import Dropout, Hidden, NormMomentum, Pooling, TrainingDtype, WindowFrames

Body = Literal["audioset", "imagenet"]


def _unless_none(weights: Any) -> Any:
    """On the command line, `none` stands for random weights."""
    return None if weights == "none" else weights


@dataclass(frozen=True, slots=True)
class MobileNetSettings(Settings):
    """The shape of the network. Each setting is described in its field.

    Raises:
        UserError: If a value is out of its range.
    """

    body: Annotated[
        Body,
        Field(description="Body of the network, see `network`. Given weights decide it."),
        Flag(None),
    ] = "audioset"
    alpha: Annotated[
        float, Field(ge=0.05, le=2, description="Width multiplier of the network. Given weights decide it.")
    ] = 1.0
    window_frames: WindowFrames = 298
    pooling: Pooling = "mean"
    hidden: Hidden = 256
    dropout: Dropout = 0.3
    # From random weights, activations change fast: with statistics that lag behind, a network of 27 norms is useless
    # at inference.
    norm_momentum: NormMomentum = 0.9
    training_dtype: TrainingDtype = "float32"


@dataclass(frozen=True, slots=True)
class MobileNetRecipe(Recipe):
    """Everything that decides a training of a MobileNet. Its own settings are described in their fields.

    Attributes:
        model: Shape of the network.
        front_end: Settings of the log-mel spectrograms.
    """

    model: MobileNetSettings = field(default_factory=MobileNetSettings)
    weights: Annotated[
        Path | None,
        Field(
            strict=False,
            description="Initial weights: a `yamnet.h5` (AudioSet), a Keras ImageNet MobileNet file, or `none` for "
            "random weights.",
        ),
        BeforeValidator(_unless_none),
    ] = None
    unfreeze: Annotated[
        Literal["none", "last", "all"],
        Field(
            description="Part of the body that learns: `none`, `last` (last block) or `all`. The head always learns."
        ),
    ] = "all"
    unfreeze_epochs: Annotated[
        float,
        Field(
            ge=0,
            description="Number of epochs over which the blocks of the body start to learn, from top to bottom "
            "(gradual unfreezing; Howard and Ruder 2018, arXiv:1801.06146, section 3.3). 0: all at once.",
        ),
    ] = 0.0
    layer_decay: Annotated[
        float,
        Field(gt=0, le=1, description="Learning rate of a block of the body, divided by that of the block above it."),
        Range(0.7, 1.0),
    ] = 1.0
    head_scale: Annotated[
        float,
        Field(ge=0, description="Learning rate of the head, divided by that of the body's top block."),
        Range(1.0, 10.0, log=True),
    ] = 1.0
    front_end: LogMelSettings = field(default_factory=LogMelSettings)


PLAIN = MobileNetRecipe()

TELEPHONE = replace(
    PLAIN,
    model=MobileNetSettings(pooling="attentive", training_dtype="bfloat16"),
    unfreeze_epochs=1.0,
    layer_decay=0.95,
    head_scale=2.0,
    fit=FitSettings(epochs=30, patience=10, average=0.995, augment=AugmentSettings(telephone=0.5, speed=0.5)),
)

LISTENERS = replace(TELEPHONE, target=Target(votes_share=0.3), fit=replace(TELEPHONE.fit, epochs=36))

SCRATCH = MobileNetRecipe(model=MobileNetSettings(alpha=0.25), fit=FitSettings(epochs=20, learning_rate=2e-3))

PRESETS = {"plain": PLAIN, "telephone": TELEPHONE, "listeners": LISTENERS, "scratch": SCRATCH}
