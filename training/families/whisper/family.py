"""The family `whisper`: the encoder of Whisper on raw waveforms, from checkpoints or random weights."""

from typing import TYPE_CHECKING

from training.families.transformer.family import UNUSED, TransformerFamily
from training.families.whisper.recipe import PRESETS
from training.families.whisper.settings import WhisperSettings

if TYPE_CHECKING:
    from training.families.whisper.classifier import WhisperClassifier


class WhisperFamily(TransformerFamily):
    """The encoder of Whisper (Radford et al. 2022, arXiv:2212.04356)."""

    name = "whisper"
    summary = "Train on Whisper's encoder: a head on its fixed layers in minutes, or the encoder itself."
    help = (
        "Clips have their own length, not Whisper's 30 s. With the preset `frozen`, embeddings are computed once for a "
        "clip and kept in `ser/embeddings` of the user's cache folder, for all later trainings; it may be deleted at "
        "any time.\n\n"
        "Examples: `ser train whisper out/data out/run --checkpoint openai/whisper-tiny.en`, without a network "
        "connection `ser train whisper out/data out/run --checkpoint ~/models/whisper-tiny.en`, and with a GPU "
        "`ser train whisper out/data out/run --checkpoint openai/whisper-small --preset fine-tune`"
    )
    presets = PRESETS
    preset_notes = {
        "frozen": "a head on embeddings that are computed once",
        "fine-tune": "the encoder learns",
        "lora": "only adapters learn",
    }
    unused = UNUSED

    def shape(self) -> WhisperSettings:
        """See `TransformerFamily`."""
        return WhisperSettings()

    def classifier(self) -> "type[WhisperClassifier]":
        """See `TransformerFamily`."""
        from training.families.whisper.classifier import WhisperClassifier

        return WhisperClassifier


FAMILY = WhisperFamily()
