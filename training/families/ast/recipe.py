"""The settings of a training of the Audio Spectrogram Transformer, and named recipes.

| preset | what it is |
| --- | --- |
| `fine-tune` | the encoder learns, lower layers slower; learned mix of layers, attentive statistics |
| `lora` | adapters of rank 8 learn, for a machine with little memory |
| `frozen` | only the head learns, on fixed features |
"""

from dataclasses import dataclass, replace

from training.families.transformer.recipe import TransformerRecipe


@dataclass(frozen=True, slots=True)
class AstRecipe(TransformerRecipe):
    """Everything that decides a training, see `TransformerRecipe`."""


_FINE_TUNE = AstRecipe()

PRESETS = {
    "fine-tune": _FINE_TUNE,
    "lora": replace(_FINE_TUNE, learn="lora", layer_decay=1.0, fit=replace(_FINE_TUNE.fit, learning_rate=5e-4)),
    "frozen": replace(_FINE_TUNE, learn="head", head_scale=1.0, fit=replace(_FINE_TUNE.fit, learning_rate=1e-3)),
}
