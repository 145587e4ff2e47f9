"""The settings of the small convolutional network and of its training."""

from dataclasses import dataclass, field
from typing import Annotated

from data_pipeline.audio.log_mel_settings import LogMelSettings
from data_pipeline.errors import UserError
from data_pipeline.settings import Field, Flag, Listed, Settings
from training.families.recipe import FitSettings, Recipe
from training.layers.choices import Dropout, Hidden, NormMomentum, Pooling, TrainingDtype, WindowFrames


@dataclass(frozen=True, slots=True)
class CnnSettings(Settings):
    """The shape of the network. Each setting is described in its field.

    Raises:
        UserError: If a value is out of its range.
    """

    filters: Annotated[
        tuple[int, ...],
        Field(description="Number of filters of each block: 3 x 3 convolution, batch norm, ReLU, 2 x 2 max pooling."),
        Listed,
        Flag(None),
    ] = (16, 32, 64, 128)
    window_frames: WindowFrames = 298
    pooling: Pooling = "mean"
    hidden: Hidden = 128
    dropout: Dropout = 0.3
    norm_momentum: NormMomentum = 0.9
    training_dtype: TrainingDtype = "float32"

    def check(self) -> None:
        """Check that every block has filters."""
        if not self.filters or min(self.filters) < 1:
            raise UserError(f"filters are {self.filters!r}: give one number above 0 for each block")


@dataclass(frozen=True, slots=True)
class CnnRecipe(Recipe):
    """Everything that decides a training of the convolutional network.

    Attributes:
        model: Shape of the network.
        front_end: Settings of the log-mel spectrograms.
    """

    model: CnnSettings = field(default_factory=CnnSettings)
    fit: FitSettings = field(default_factory=lambda: FitSettings(epochs=20, learning_rate=1e-3))
    front_end: LogMelSettings = field(default_factory=LogMelSettings)
