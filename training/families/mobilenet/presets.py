"""Named recipes for MobileNet; whatever is given beside a preset counts more.

`ser train mobilenet DATA RUN --preset NAME` on CREMA-D, with `--weights yamnet.h5` for the first three:

| preset | what it is | time on 2 cores | WA |
| --- | --- | --- | --- |
| `plain` | every weight learns alike, mean over windows; 16 epochs | three quarters of an hour | 70 % on 9 actors |
| `telephone` | half of the clips by telephone, half faster or slower; attention, averaged weights, layer-wise rates; \
30 epochs, since with so much variety 16 are too few | about 33 minutes | 65 % on 72 actors, by telephone 66 % |
| `listeners` | `telephone`, three tenths of each label spread as listeners voted, which not every corpus has votes \
for; 36 epochs | about 40 minutes | 66 % on 72 actors, by telephone 66 % |
| `scratch` | alpha 0.25 from random weights, with a higher rate; 20 epochs | a quarter of an hour | 49 % on 9 actors |

The nine are the validation actors, on whom the epoch was chosen, and an easy lot; the 72 are heard in five folds by
models trained without them. Intervals, and the commands that measured them, are in the README.
"""

from dataclasses import replace

from data_pipeline.augment import AugmentSettings
from data_pipeline.targets import Target
from training.families.mobilenet.network import MobileNetSettings
from training.families.mobilenet.recipe import MobileNetRecipe
from training.fitting.fit import FitSettings

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
