"""The shape of the head above a transformer. This module needs neither Keras nor TensorFlow."""

from dataclasses import dataclass
from typing import Annotated, Literal

from data_pipeline.settings import Choice, Field, Range, Settings

POOLINGS = ("mean", "attentive", "statistics")


@dataclass(frozen=True, slots=True)
class HeadSettings(Settings):
    """The shape of the head. Each setting is described in its field.

    Raises:
        UserError: If a value is out of its range.
    """

    layers: Annotated[
        Literal["weighted", "last"],
        Field(
            description="Hidden states that the head receives: `weighted` (a learned mix of all layers) or `last`; "
            "`statistics` pooling takes them all."
        ),
    ] = "weighted"
    projection: Annotated[
        int,
        Field(
            ge=0,
            description="Number of units of a dense layer with ReLU before the pooling, or after `statistics` pooling; "
            "0 for none.",
        ),
    ] = 256
    pooling: Annotated[
        Literal["mean", "attentive", "statistics"],
        Field(
            description="Pooling over time: `mean`, `attentive` (mean and standard deviation of the frames, weighted "
            "by learned attention), or `statistics` (mean and standard deviation of each layer's frames, as standard "
            "scores)."
        ),
        Choice(POOLINGS),
    ] = "attentive"
    dropout: Annotated[
        float, Field(ge=0, lt=1, description="Dropout rate before the dense layers after the pooling."), Range(0.0, 0.6)
    ] = 0.2
