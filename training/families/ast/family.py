"""The family `ast`: the Audio Spectrogram Transformer on raw waveforms, from checkpoints or random weights."""

from typing import TYPE_CHECKING

from training.families.ast.recipe import PRESETS
from training.families.ast.settings import AstSettings
from training.families.transformer.family import UNUSED, TransformerFamily

if TYPE_CHECKING:
    from training.families.ast.classifier import AstClassifier


class AstFamily(TransformerFamily):
    """The Audio Spectrogram Transformer (Gong et al. 2021, arXiv:2104.01778)."""

    name = "ast"
    summary = "Fine-tune the Audio Spectrogram Transformer."
    help = (
        "It computes its spectrogram itself. The published models need a GPU.\n\n"
        "Examples: `ser train ast out/data out/run --checkpoint MIT/ast-finetuned-audioset-10-10-0.4593`, without a "
        "network connection `ser train ast out/data out/run --checkpoint ~/models/ast --preset lora`"
    )
    presets = PRESETS
    preset_notes = {"lora": "only adapters learn", "frozen": "only the head learns"}
    unused = (*UNUSED, "fit.augment.mixup")

    def shape(self) -> AstSettings:
        """See `TransformerFamily`."""
        return AstSettings()

    def classifier(self) -> "type[AstClassifier]":
        """See `TransformerFamily`."""
        from training.families.ast.classifier import AstClassifier

        return AstClassifier


FAMILY = AstFamily()
