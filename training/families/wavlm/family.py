"""The family `wavlm`: WavLM on raw waveforms, from checkpoints or random weights."""

from typing import TYPE_CHECKING

from training.families.transformer.family import UNUSED, TransformerFamily
from training.families.wavlm.recipe import PRESETS
from training.families.wavlm.settings import WavLMSettings

if TYPE_CHECKING:
    from training.families.wavlm.classifier import WavLMClassifier


class WavLMFamily(TransformerFamily):
    """WavLM (Chen et al. 2021, arXiv:2110.13900)."""

    name = "wavlm"
    summary = "Fine-tune WavLM on raw waveforms."
    help = (
        "Base models need a GPU: on two cores an epoch of CREMA-D takes more than an hour.\n\n"
        "Examples: `ser train wavlm out/data out/run --checkpoint microsoft/wavlm-base-plus`, without a network "
        "connection `ser train wavlm out/data out/run --checkpoint ~/models/wavlm-base-plus --preset lora`"
    )
    presets = PRESETS
    preset_notes = {"lora": "only adapters learn", "frozen": "only the head learns"}
    unused = (*UNUSED, "fit.augment.mixup")

    def shape(self) -> WavLMSettings:
        """See `TransformerFamily`."""
        return WavLMSettings()

    def classifier(self) -> "type[WavLMClassifier]":
        """See `TransformerFamily`."""
        from training.families.wavlm.classifier import WavLMClassifier

        return WavLMClassifier


FAMILY = WavLMFamily()
