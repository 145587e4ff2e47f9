"""The settings of a training of wav2vec 2.0 or HuBERT, and named recipes.

| preset | what it is |
| --- | --- |
| `fine-tune` | the encoder learns, lower layers slower; learned mix of layers, attentive statistics |
| `lora` | adapters of rank 8 learn, for a machine with little memory |
| `frozen` | only the head learns, on fixed features: quick, and a baseline for the others |
| `study` | as the study did it: 2 s crops, Adam at 1e-5, batch 32, 10 epochs, dropout 0.5, mean of the last layer |
"""

from dataclasses import dataclass, replace

from training.families.recipe import FitSettings
from training.families.transformer.head_settings import HeadSettings
from training.families.transformer.recipe import WAVEFORM_AUGMENTATION, TransformerRecipe


@dataclass(frozen=True, slots=True)
class Wav2Vec2Recipe(TransformerRecipe):
    """Everything that decides a training, see `TransformerRecipe`."""


_FINE_TUNE = Wav2Vec2Recipe()

PRESETS = {
    "fine-tune": _FINE_TUNE,
    "lora": replace(_FINE_TUNE, learn="lora", layer_decay=1.0, fit=replace(_FINE_TUNE.fit, learning_rate=5e-4)),
    "frozen": replace(_FINE_TUNE, learn="head", head_scale=1.0, fit=replace(_FINE_TUNE.fit, learning_rate=1e-3)),
    "study": Wav2Vec2Recipe(
        head=HeadSettings(layers="last", projection=0, pooling="mean", dropout=0.5),
        learn="all",
        layer_decay=1.0,
        head_scale=1.0,
        fit=FitSettings(
            epochs=10,
            patience=10,
            batch_size=32,
            learning_rate=1e-5,
            schedule="constant",
            weight_decay=0.0,
            label_smoothing=0.0,
            crop_seconds=2.0,
            augment=replace(WAVEFORM_AUGMENTATION, shift=0.0, gain=0.0),
        ),
    ),
}
