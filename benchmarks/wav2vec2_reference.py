"""Our networks as the reference implementation has them: transformers on PyTorch."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.families.wav2vec2.classifier import Wav2Vec2Classifier


def reference_classifier(model: "Wav2Vec2Classifier") -> Any:
    """The same network with the same weights: from waveforms to logits.

    Args:
        model: Its head is the mean over the last layer's frames and one dense layer.

    Returns:
        A `torch.nn.Module` from float32 [batch, samples], clips of equal length, to float32 [batch, classes]. Its
        attention is PyTorch's fused one.
    """
    import torch
    from keras import ops
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    from training.families.wav2vec2.state import state_arrays

    fields: dict[str, Any] = asdict(model.backbone.settings)
    # The feature extractor's, and done in `forward`.
    del fields["do_normalize"]
    network = Wav2Vec2Model(Wav2Vec2Config(**{**fields, "attn_implementation": "sdpa"}))
    network.load_state_dict({name: torch.tensor(value) for name, value in state_arrays(model.backbone).items()})
    kernel, bias = (torch.tensor(ops.convert_to_numpy(weight)) for weight in model.emotion.weights)

    class Classifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network, self.kernel, self.bias = network, torch.nn.Parameter(kernel), torch.nn.Parameter(bias)

        def forward(self, waveform: Any) -> Any:
            centred = waveform - waveform.mean(1, keepdim=True)
            normalised = centred / torch.sqrt((centred**2).mean(1, keepdim=True) + 1e-7)
            frames = self.network(normalised).last_hidden_state
            return frames.float().mean(1) @ self.kernel + self.bias

    return Classifier().eval()
