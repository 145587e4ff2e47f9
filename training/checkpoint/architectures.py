"""The architectures whose checkpoints can be read, and the names that their tensors have in files."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Architecture:
    """How the checkpoints of an architecture name their tensors.

    Attributes:
        title: What it is called.
        model_types: Values of `model_type` in its `config.json`.
        prefixes: What the classes that saved it put before the names of the backbone's tensors.
        outside: First parts of names that do not belong to the backbone: heads for words, classes or speakers, what
            only pretraining needs, decoders, and adapters.
        outside_pattern: Other such names, as a regular expression for the whole name.
        renamed: Names that other versions gave to the same tensors, as regular expressions for the whole name, and what
            to put in their place.
    """

    title: str
    model_types: tuple[str, ...]
    prefixes: tuple[str, ...]
    outside: frozenset[str]
    outside_pattern: str = r"(?!)"
    renamed: tuple[tuple[str, str], ...] = ()

    def canonical(self, stored: str) -> str | None:
        """The name of a stored tensor in the backbone, whatever class and version saved it.

        Args:
            stored: Name in the file.

        Returns:
            The name, even if no such tensor is known; None for a tensor outside the backbone.
        """
        name = stored
        while prefix := next((word for word in self.prefixes if name.startswith(word)), ""):
            name = name.removeprefix(prefix)
        first, _, _ = name.partition(".")
        if first in self.outside or re.fullmatch(self.outside_pattern, name):
            return None
        for pattern, replacement in self.renamed:
            if found := re.fullmatch(pattern, name):
                return found.expand(replacement)
        return name


_POSITION = "encoder.pos_conv_embed.conv."

_OLD_WEIGHT_NORM = (
    (f"{_POSITION}weight_g", f"{_POSITION}parametrizations.weight.original0"),
    (f"{_POSITION}weight_v", f"{_POSITION}parametrizations.weight.original1"),
)
"""Names of the two tensors of the weight-normalised positional convolution before PyTorch 2.0 and since."""

WAV2VEC2 = Architecture(
    title="wav2vec 2.0 or HuBERT",
    model_types=("wav2vec2", "hubert"),
    prefixes=("wav2vec2.", "hubert.", "model."),
    outside=frozenset(
        {
            "adapter",
            "classifier",
            "dropout_features",
            "final_proj",
            "label_embs_concat",
            "layer_weights",
            "lm_head",
            "objective",
            "project_hid",
            "project_q",
            "projector",
            "quantizer",
            "tdnn",
        }
    ),
    # The dense layer of the x-vector head has the name of the stack of convolutions. Batch norms count training steps,
    # which no output depends on.
    outside_pattern=r"feature_extractor\.(weight|bias)|encoder\.layers\.\d+\.adapter_layer\..*|.*num_batches_tracked",
    renamed=tuple((re.escape(old), new) for old, new in _OLD_WEIGHT_NORM),
)

WAVLM = replace(WAV2VEC2, title="WavLM", model_types=("wavlm",), prefixes=("wavlm.", "model."))

_OLD_AST_LAYER = r"encoder\.layer\.(\d+)\."

AST = Architecture(
    title="the Audio Spectrogram Transformer",
    model_types=("audio-spectrogram-transformer",),
    prefixes=("audio_spectrogram_transformer.", "model."),
    outside=frozenset({"classifier"}),
    # Before transformers 5.
    renamed=(
        (_OLD_AST_LAYER + r"attention\.attention\.(q|k|v)(uery|ey|alue)\.(.*)", r"layers.\1.attention.\2_proj.\4"),
        (_OLD_AST_LAYER + r"attention\.output\.dense\.(.*)", r"layers.\1.attention.o_proj.\2"),
        (_OLD_AST_LAYER + r"intermediate\.dense\.(.*)", r"layers.\1.mlp.fc1.\2"),
        (_OLD_AST_LAYER + r"output\.dense\.(.*)", r"layers.\1.mlp.fc2.\2"),
        (_OLD_AST_LAYER + r"(layernorm_(?:before|after))\.(.*)", r"layers.\1.\2.\3"),
    ),
)

WHISPER = Architecture(
    title="Whisper",
    model_types=("whisper",),
    prefixes=("model.", "encoder."),
    outside=frozenset({"classifier", "decoder", "layer_weights", "proj_out", "projector"}),
)

_ARCHITECTURES = (WAV2VEC2, WAVLM, WHISPER, AST)


def architecture_of(model_type: object) -> Architecture | None:
    """The architecture that a `config.json` names, or None."""
    return next((one for one in _ARCHITECTURES if model_type in one.model_types), None)


def architectures(only: Architecture | None = None) -> tuple[Architecture, ...]:
    """All architectures, or the one that is asked for."""
    return _ARCHITECTURES if only is None else (only,)


def weight_norm_naming(stored: Iterable[str]) -> str:
    """How the weight normalisation of wav2vec 2.0's positional convolution is named: `old`, `new` or `none`.

    Args:
        stored: Names of all tensors.
    """
    names = list(stored)
    old, new = (tuple(pair[place] for pair in _OLD_WEIGHT_NORM) for place in (0, 1))
    if any(name.endswith(old) for name in names):
        return "old"
    return "new" if any(name.endswith(new) for name in names) else "none"
