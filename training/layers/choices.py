"""Settings that several networks share: windows, pooling over time, the head, types of products while training."""

from typing import Annotated, Literal

from data_pipeline.settings import Choice, Field, Flag, Range

POOLINGS = ("mean", "attentive")
"""How a clip's windows become one embedding:

- `mean`: the mean of each window, averaged by how much of the clip each window holds.
- `attentive`: mean and deviation of the frames that are the clip's, weighted by learned attention.
"""

Pooling = Annotated[
    Literal["mean", "attentive"],
    Field(
        description="Pooling over time: `mean`, or `attentive` (mean and standard deviation of the frames, weighted by "
        "learned attention)."
    ),
    Choice(POOLINGS),
]

TrainingDtype = Annotated[
    Literal["float32", "bfloat16"],
    Field(
        description="Type of the convolutions' products while training: `float32`, or `bfloat16`, which is faster on "
        "processors with instructions for it (AVX512-BF16, AMX) and slower on others."
    ),
]

WindowFrames = Annotated[int, Field(ge=1, description="Number of frames of a window; 298 frames are 3 s."), Flag(None)]

Hidden = Annotated[int, Field(ge=1, description="Number of units of the first dense layer.")]

Dropout = Annotated[
    float,
    Field(ge=0, le=0.95, description="Dropout rate after the embedding and after the first dense layer."),
    Range(0.0, 0.6),
]

NormMomentum = Annotated[
    float, Field(ge=0, lt=1, description="Momentum of the batch norms' moving statistics."), Flag(None)
]
