"""Whisper's encoder with our head as the reference implementation has it: transformers on PyTorch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.families.whisper.classifier import WhisperClassifier


def reference_classifier(model: "WhisperClassifier") -> Any:
    """The same network with the same weights: from spectrograms to probabilities.

    Args:
        model: Its head has `statistics` pooling and a dense layer, as in the preset `frozen`.

    Returns:
        A `torch.nn.Module` from float32 [batch, bands, frames], clips of equal length, of any even number of frames up
        to 3,000, to float32 [batch, classes]. Its attention is PyTorch's fused one.
    """
    import torch
    from keras import ops
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    from training.families.whisper.state import state_arrays

    scores, projection, emotion = model.scores, model.projection, model.emotion
    assert scores is not None, "the head has `statistics` pooling"
    assert projection is not None, "the head has a dense layer before the last"
    settings = model.backbone.settings
    config = WhisperConfig(
        num_mel_bins=settings.num_mel_bins,
        d_model=settings.hidden_size,
        encoder_layers=settings.num_hidden_layers,
        encoder_attention_heads=settings.num_attention_heads,
        encoder_ffn_dim=settings.intermediate_size,
        max_source_positions=settings.max_source_positions,
        attn_implementation="sdpa",
    )
    encoder = WhisperEncoder(config)
    encoder.load_state_dict({name: torch.tensor(value) for name, value in state_arrays(model.backbone).items()})

    def constant(weight: Any) -> Any:
        return torch.nn.Parameter(torch.tensor(ops.convert_to_numpy(weight)))

    weights = (scores.mean, scores.deviation, projection.kernel, projection.bias, emotion.kernel, emotion.bias)
    mean, deviation, hidden_kernel, hidden_bias, kernel, bias = map(constant, weights)

    class Classifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder
            self.mean, self.deviation, self.kernel, self.bias = mean, deviation, kernel, bias
            self.hidden_kernel, self.hidden_bias = hidden_kernel, hidden_bias

        def forward(self, log_mel: Any) -> Any:
            # The reference's own `forward` takes 30 s only.
            hidden = torch.nn.functional.gelu(self.encoder.conv1(log_mel))
            hidden = torch.nn.functional.gelu(self.encoder.conv2(hidden)).permute(0, 2, 1)
            hidden = hidden + self.encoder.embed_positions.weight[: hidden.shape[1]]
            states = [hidden]
            for layer in self.encoder.layers:
                answer = layer(hidden, None)
                hidden = answer[0] if isinstance(answer, tuple) else answer
                states.append(hidden)
            states.append(self.encoder.layer_norm(hidden))
            pooled = [part for state in states for part in (state.mean(1), state.std(1, unbiased=False))]
            scored = torch.clamp((torch.cat(pooled, 1) - self.mean) / self.deviation, -5, 5)
            hidden = torch.relu(scored @ self.hidden_kernel + self.hidden_bias)
            return torch.softmax(hidden @ self.kernel + self.bias, 1)

    return Classifier().eval()
