"""The reference implementation, in PyTorch, for the tests that compare with it."""

from typing import Any

import numpy as np

from tests.training.families.ast.tiny import stand_in_weights


def reference_model(config: dict[str, Any]):
    """The PyTorch network of a configuration, with this package's stand-in weights."""
    import torch
    import transformers

    model = transformers.ASTModel(transformers.ASTConfig(**config)).eval()
    values = stand_in_weights({name: tuple(tensor.shape) for name, tensor in model.state_dict().items()})
    model.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
    return model


def reference_log_mel(clip: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    """What the reference's feature extractor hands over, float32 [max_length, bands]."""
    import transformers

    extractor = transformers.ASTFeatureExtractor(num_mel_bins=config["num_mel_bins"], max_length=config["max_length"])
    return np.asarray(extractor(clip, sampling_rate=16_000, return_tensors="np")["input_values"][0], "float32")


def reference_states(model: Any, log_mel: np.ndarray, across: int) -> list[Any]:
    """The states of all layers for a spectrogram of `across` patches beside one another; the last one is normalised.

    The reference itself takes its full length only, so that its layers are called one by one.
    """
    import torch

    config, parts = model.config, model.embeddings
    frames = (across - 1) * config.time_stride + config.patch_size
    patches = parts.patch_embeddings(torch.from_numpy(log_mel[:frames])[None])
    bands, most = parts.get_shape(config)
    table = parts.position_embeddings[:, 2:].reshape(1, bands, most, -1)[:, :, :across].reshape(1, bands * across, -1)
    tokens = torch.cat((parts.cls_token, parts.distillation_token), dim=1) + parts.position_embeddings[:, :2]
    hidden = torch.cat((tokens, patches + table), dim=1)
    states = [hidden]
    for layer in model.layers:
        hidden = layer(hidden, None)
        states.append(hidden)
    return [*states, model.layernorm(hidden)]


def reference_gradients(model: Any, log_mel: np.ndarray, across: int) -> dict[str, np.ndarray]:
    """The gradient of a sum over all hidden states by every weight."""
    states = reference_states(model, log_mel, across)
    sum((state.square() * (1 + index)).mean() for index, state in enumerate(states)).backward()
    return {key: value.grad.numpy() for key, value in model.named_parameters() if value.grad is not None}
