"""The reference implementation, in PyTorch, for the tests that compare with it."""

from typing import Any

import numpy as np

from tests.training.families.wav2vec2.tiny import weights


def reference_model(config: dict[str, Any]):
    """The PyTorch network of a configuration, with this package's stand-in weights."""
    import torch
    import transformers

    name = {"hubert": "Hubert", "wavlm": "WavLM", "wav2vec2": "Wav2Vec2"}[config["model_type"]]
    model = getattr(transformers, f"{name}Model")(getattr(transformers, f"{name}Config")(**config)).eval()
    values = weights({name: tuple(tensor.shape) for name, tensor in model.state_dict().items()})
    model.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
    return model


def normalised(clip: np.ndarray) -> np.ndarray:
    """The clip as the reference's feature extractor hands it over."""
    import transformers

    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=True)
    return extractor(clip, sampling_rate=16000, return_tensors="np")["input_values"].astype("float32")


def reference_states(config: dict[str, Any], clip: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """The hidden states and the answer for one clip, each [frames, hidden_size]."""
    import torch

    with torch.no_grad():
        output = reference_model(config)(torch.from_numpy(normalised(clip)), output_hidden_states=True)
    return [state[0].numpy() for state in output.hidden_states], output.last_hidden_state[0].numpy()


def reference_gradients(model: Any, clip: np.ndarray) -> dict[str, np.ndarray]:
    """The gradient of a sum over all hidden states by every weight that has one."""
    import torch

    states = model(torch.from_numpy(normalised(clip)), output_hidden_states=True).hidden_states
    sum((state.square() * (1 + index)).mean() for index, state in enumerate(states)).backward()
    return {key: value.grad.numpy() for key, value in model.named_parameters() if value.grad is not None}
