"""Which weights of a classifier learn, and their learning rates."""

import keras

from data_pipeline.errors import UserError

LEARN = ("head", "encoder", "all", "lora")
"""Which weights learn besides the head:

- `head`: none, the backbone computes fixed features.
- `encoder`: all weights except those of the convolutions, as in the wav2vec 2.0 paper (section 4.3).
- `all`: all weights.
- `lora`: low-rank adapters on the queries and values of every attention (Hu et al. 2021, arXiv:2106.09685, section
  4.2); the rest of the backbone is fixed.
"""


def restrict(classifier: keras.Model, learn: str, lora_rank: int) -> None:
    """Freeze the weights that do not learn. The head always learns.

    Args:
        classifier: A `TransformerClassifier` without adapters. Changed in place.
        learn: One of `LEARN`.
        lora_rank: Rank of the adapters.

    Raises:
        UserError: If `learn` or the rank is not allowed.
    """
    if learn not in LEARN:
        raise UserError(f"learn must be one of {', '.join(LEARN)}, not {learn!r}")
    backbone = classifier.backbone
    if learn == "head":
        backbone.trainable = False
    elif learn == "encoder":
        backbone.freeze_convolutions()
    elif learn == "lora":
        if not 1 <= lora_rank <= backbone.shape.hidden_size:
            raise UserError(f"a rank of adapters lies from 1 to {backbone.shape.hidden_size}, not at {lora_rank}")
        backbone.trainable = False
        for layer in backbone.encoder_layers:
            for dense in (layer.attention.query, layer.attention.value):
                dense.trainable = True
                # As in the paper's experiments, alpha is twice the rank.
                dense.enable_lora(lora_rank, lora_alpha=2 * lora_rank)
                dense.bias.trainable = False


def learning_rate_scales(classifier: keras.Model, layer_decay: float, head_scale: float) -> list[float]:
    """The factor of each weight's learning rate, which decreases from top to bottom.

    The top layer of the encoder has the factor 1, and each lower layer has `layer_decay` times the factor of the layer
    above it. All parts below the encoder count as one more layer (Clark et al. 2020, arXiv:2003.10555, appendix A).

    Args:
        classifier: A `TransformerClassifier`.
        layer_decay: Factor from one layer to the one below, above 0 and up to 1.
        head_scale: Factor of the head, which starts from random weights.

    Returns:
        A number for each of `classifier.trainable_variables`, in their order.
    """
    depth = len(classifier.backbone.encoder_layers)
    scales: dict[int, float] = {id(weight): layer_decay**depth for weight in classifier.backbone.weights}
    for index, layer in enumerate(classifier.backbone.encoder_layers):
        scales |= {id(weight): layer_decay ** (depth - 1 - index) for weight in layer.weights}
    # Where norms come first, the stack's own norm is above all layers, otherwise below them.
    if classifier.backbone.shape.norm_first:
        scales |= {id(weight): 1.0 for weight in classifier.backbone.stack_norm.weights}
    weights: list[keras.Variable] = classifier.trainable_variables
    return [scales.get(id(weight), head_scale) for weight in weights]
