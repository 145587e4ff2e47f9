"""The settings of the small convolutional network and of its training."""

from dataclasses import dataclass, field
from typing import Annotated

from data_pipeline.audio.log_mel_settings import LogMelSettings
from data_pipeline.errors import UserError
from data_pipeline.settings import Field, Flag, Listed, Range, Settings
from training.families.recipe import FitSettings, Recipe
from training.layers.choices import Pooling, TrainingDtype


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
    window_frames: Annotated[
        int, Field(ge=1, description="Number of frames of a window; 298 frames are 3 s."), Flag(None)
    ] = 298
    pooling: Pooling = "mean"
    hidden: Annotated[int, Field(ge=1, description="Number of units of the first dense layer.")] = 128
    dropout: Annotated[
        float,
        Field(ge=0, le=0.95, description="Dropout rate after the embedding and after the first dense layer."),
        Range(0.0, 0.6),
    ] = 0.3
    norm_momentum: Annotated[
        float, Field(ge=0, lt=1, description="Momentum of the batch norms' moving statistics."), Flag(None)
    ] = 0.9
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
