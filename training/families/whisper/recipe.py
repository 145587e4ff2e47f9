"""The settings of a training of Whisper's encoder, and named recipes.

| preset | what it is |
| --- | --- |
| `frozen` | a head on the statistics of all layers, which are computed once for a clip: minutes on two cores |
| `fine-tune` | the encoder learns, lower layers slower; learned mix of layers, attentive statistics |
| `lora` | adapters of rank 8 learn, for a machine with little memory |
"""

from dataclasses import dataclass, replace

from data_pipeline.augment import AugmentSettings
from data_pipeline.targets import Target
from training.families.recipe import FitSettings
from training.families.transformer.head_settings import HeadSettings
from training.families.transformer.recipe import WAVEFORM_AUGMENTATION, TransformerRecipe


@dataclass(frozen=True, slots=True)
class WhisperRecipe(TransformerRecipe):
    """Everything that decides a training, see `TransformerRecipe`."""


_VOTES = Target(votes_share=0.3)

_TELEPHONE = replace(WAVEFORM_AUGMENTATION, telephone=0.5, speed=0.5)

_FINE_TUNE = WhisperRecipe(
    target=_VOTES,
    fit=FitSettings(epochs=8, patience=4, batch_size=16, learning_rate=2e-4, augment=_TELEPHONE),
)

PRESETS = {
    "frozen": WhisperRecipe(
        head=HeadSettings(pooling="statistics", projection=256, dropout=0.5),
        learn="head",
        layer_decay=1.0,
        head_scale=1.0,
        copies=4,
        fit=FitSettings(
            epochs=20,
            patience=20,
            batch_size=64,
            learning_rate=1e-3,
            weight_decay=0.5,
            crop_seconds=30.0,
            augment=AugmentSettings(shift=0.0, band_masks=0, frame_masks=0, mixup=0.2, telephone=0.5, speed=0.5),
        ),
    ),
    "fine-tune": _FINE_TUNE,
    "lora": replace(_FINE_TUNE, learn="lora", layer_decay=1.0, fit=replace(_FINE_TUNE.fit, learning_rate=1e-3)),
}
