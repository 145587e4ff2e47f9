"""The reference implementation, in PyTorch, for the tests that compare with it."""

from typing import Any

import numpy as np

from tests.training.families.whisper.tiny import stand_in_weights


def reference_encoder(config: dict[str, Any]):
    """The PyTorch encoder of a configuration, with this package's stand-in weights."""
    import torch
    import transformers

    encoder = transformers.WhisperModel(transformers.WhisperConfig(**config)).encoder.eval()
    values = stand_in_weights({name: tuple(tensor.shape) for name, tensor in encoder.state_dict().items()})
    encoder.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
    return encoder


def reference_log_mel(clip: np.ndarray, bands: int, seconds: float) -> np.ndarray:
    """The spectrogram that the reference's feature extractor hands over, float32 [bands, frames]."""
    import transformers

    extractor = transformers.WhisperFeatureExtractor(feature_size=bands, chunk_length=seconds)
    return extractor(clip, sampling_rate=16_000, return_tensors="np")["input_features"][0].astype("float32")


def reference_states(encoder: Any, log_mel: np.ndarray) -> list[Any]:
    """The states of all layers for a spectrogram of any even length, [1, frames, size]; the last one is normalised.

    The reference itself takes 30 s only, so that its layers are called one by one.
    """
    import torch

    features = torch.from_numpy(log_mel)[None]
    hidden = torch.nn.functional.gelu(encoder.conv1(features))
    hidden = torch.nn.functional.gelu(encoder.conv2(hidden)).permute(0, 2, 1)
    hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
    states = [hidden]
    for layer in encoder.layers:
        answer = layer(hidden, None)
        hidden = answer[0] if isinstance(answer, tuple) else answer
        states.append(hidden)
    return [*states, encoder.layer_norm(hidden)]


def reference_gradients(encoder: Any, log_mel: np.ndarray) -> dict[str, np.ndarray]:
    """The gradient of a sum over all hidden states by every weight."""
    # The reference keeps the table of positions fixed.
    encoder.embed_positions.weight.requires_grad_(True)
    states = reference_states(encoder, log_mel)
    sum((state.square() * (1 + index)).mean() for index, state in enumerate(states)).backward()
    return {key: value.grad.numpy() for key, value in encoder.named_parameters() if value.grad is not None}
