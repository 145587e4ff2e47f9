"""The settings of the network on functionals and of its training."""

from dataclasses import dataclass, field
from typing import Annotated

from data_pipeline.audio.log_mel_settings import LogMelSettings
from data_pipeline.augment import AugmentSettings
from data_pipeline.errors import UserError
from data_pipeline.settings import Choice, Field, Range, Settings
from training.families.recipe import FitSettings, Recipe

FRAMES_PER_SECOND = 100

CEPSTRA = 20

_LEAST_BANDS = CEPSTRA + 1
"""Fewer bands have fewer cepstra."""


@dataclass(frozen=True, slots=True)
class FunctionalsSettings(Settings):
    """The shape of the network. Each setting is described in its field.

    Raises:
        UserError: If a value is out of its range.
    """

    hidden: Annotated[
        int, Field(ge=1, description="Number of units of the hidden layer."), Choice((256, 512, 1024))
    ] = 512
    dropout: Annotated[
        float, Field(ge=0, le=0.95, description="Dropout rate of functionals and of hidden units."), Range(0.2, 0.6)
    ] = 0.4


@dataclass(frozen=True, slots=True)
class FunctionalsRecipe(Recipe):
    """Everything that decides a training of the network on functionals.

    Attributes:
        model: Shape of the network.
        fit: How it is fitted. There are no SpecAugment masks: statistics over time would include the masked frames.
        front_end: Settings of the log-mel spectrograms. They reach lower in level and in frequency than those of a
            MobileNet, which its pretrained weights decide.

    Raises:
        UserError: If functionals cannot be computed from these log-mels, see `Functionals`.
    """

    model: FunctionalsSettings = field(default_factory=FunctionalsSettings)
    fit: FitSettings = field(
        default_factory=lambda: FitSettings(
            epochs=24,
            weight_decay=0.05,
            augment=AugmentSettings(band_masks=0, frame_masks=0, speed=0.5, telephone=0.5),
        )
    )
    front_end: LogMelSettings = field(
        default_factory=lambda: LogMelSettings(num_bands=40, low=20.0, high=7_900.0, offset=1e-5)
    )

    def check(self) -> None:
        """Check the frame rate and the number of bands."""
        if self.front_end.sample_rate != FRAMES_PER_SECOND * self.front_end.hop:
            raise UserError(
                f"front_end.hop is {self.front_end.hop}: functionals need {FRAMES_PER_SECOND} frames a second, so give "
                f"{self.front_end.sample_rate // FRAMES_PER_SECOND}"
            )
        if self.front_end.num_bands < _LEAST_BANDS:
            raise UserError(f"front_end.num_bands is {self.front_end.num_bands}: give {_LEAST_BANDS} or more")
