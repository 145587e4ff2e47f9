"""The family `wav2vec2`: wav2vec 2.0 and HuBERT on raw waveforms, from checkpoints or random weights."""

from typing import TYPE_CHECKING

from training.families.transformer.family import UNUSED, TransformerFamily
from training.families.wav2vec2.recipe import PRESETS
from training.families.wav2vec2.settings import Wav2Vec2Settings

if TYPE_CHECKING:
    from training.families.wav2vec2.classifier import Wav2Vec2Classifier


class Wav2Vec2Family(TransformerFamily):
    """wav2vec 2.0 (Baevski et al. 2020, arXiv:2006.11477) and HuBERT (Hsu et al. 2021, arXiv:2106.07447)."""

    name = "wav2vec2"
    summary = "Fine-tune wav2vec 2.0 or HuBERT on raw waveforms."
    help = (
        "Base models need a GPU: on two cores an epoch of CREMA-D takes more than an hour.\n\n"
        "Examples: `ser train wav2vec2 out/data out/run --checkpoint facebook/wav2vec2-base`, without a network "
        "connection `ser train wav2vec2 out/data out/run --checkpoint ~/models/wav2vec2-base --preset lora`, and as "
        "the study did it `ser train wav2vec2 out/data out/run --checkpoint facebook/wav2vec2-base --preset study`"
    )
    presets = PRESETS
    preset_notes = {
        "lora": "only adapters learn",
        "frozen": "only the head learns",
        "study": "as the study did it: 2 s crops, Adam at 1e-5, batch 32, 10 epochs, dropout 0.5",
    }
    unused = (*UNUSED, "fit.augment.mixup")

    def shape(self) -> Wav2Vec2Settings:
        """See `TransformerFamily`."""
        return Wav2Vec2Settings()

    def classifier(self) -> "type[Wav2Vec2Classifier]":
        """See `TransformerFamily`."""
        from training.families.wav2vec2.classifier import Wav2Vec2Classifier

        return Wav2Vec2Classifier


FAMILY = Wav2Vec2Family()
