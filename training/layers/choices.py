"""Settings that several networks share: how they pool over time, and the type of their products while training."""

from typing import Annotated, Literal

from data_pipeline.settings import Choice, Field

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
