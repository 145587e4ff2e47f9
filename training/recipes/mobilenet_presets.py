"""Named recipes for MobileNet; whatever is given beside a preset counts more.

| preset | what it is |
| --- | --- |
| `plain` | every weight learns alike, mean over windows |
| `telephone` | half of the clips by telephone, half faster or slower; attention, averaged weights, layer-wise rates |
| `scratch` | alpha 0.25 from random weights, with a higher rate |

`telephone` takes 30 epochs, since with so much variety 16 are too few.
"""

from dataclasses import replace

from data_pipeline.augment import AugmentSettings
from training.fit import FitSettings
from training.models.mobilenet import MobileNetSettings
from training.recipes.mobilenet import MobileNetRecipe

PLAIN = MobileNetRecipe()

TELEPHONE = replace(
    PLAIN,
    model=MobileNetSettings(pooling="attentive", training_dtype="bfloat16"),
    unfreeze_epochs=1.0,
    layer_decay=0.95,
    head_scale=2.0,
    fit=FitSettings(epochs=30, patience=10, average=0.995, augment=AugmentSettings(telephone=0.5, speed=0.5)),
)

SCRATCH = MobileNetRecipe(model=MobileNetSettings(alpha=0.25), fit=FitSettings(epochs=20, learning_rate=2e-3))

PRESETS = {"plain": PLAIN, "telephone": TELEPHONE, "scratch": SCRATCH}
