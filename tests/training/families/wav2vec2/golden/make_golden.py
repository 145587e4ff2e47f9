"""Makes the golden numbers from the reference implementation.

`python -m tests.training.families.wav2vec2.golden.make_golden`

Made with transformers 5.24.0 and PyTorch 2.13.0. The reference's last hidden state of a network with stable layer norm
is the last layer's output, before the closing norm.
"""

from pathlib import Path

import numpy as np

from tests.training.families.wav2vec2.reference import reference_gradients, reference_model, reference_states
from tests.training.families.wav2vec2.tiny import CONFIGS, waveform

SAMPLES = 1800
GRADIENT_SAMPLES = 3000
_PROJECTIONS = 3


def projected(gradient: np.ndarray) -> np.ndarray:
    """The norm of a gradient, and its products with a few random vectors: enough to tell it from another."""
    directions = np.random.default_rng(gradient.size).standard_normal((_PROJECTIONS, gradient.size))
    return np.concatenate([[np.linalg.norm(gradient)], directions @ gradient.ravel().astype("float64")])


def main() -> None:
    """Write hidden states, answer and gradients of each small network for one clip."""
    golden, gradients = {}, {}
    for name, config in CONFIGS.items():
        states, answer = reference_states(config, waveform(SAMPLES))
        golden[f"{name}/hidden_states"] = np.stack(states)
        golden[f"{name}/last_hidden_state"] = answer
        found = reference_gradients(reference_model(config), waveform(GRADIENT_SAMPLES))
        # Many small arrays would be larger as files.
        gradients[f"{name}/names"] = np.array(" ".join(found))
        gradients[name] = np.stack([projected(gradient) for gradient in found.values()]).astype("float32")
    np.savez_compressed(Path(__file__).with_name("hidden_states.npz"), **golden)
    np.savez_compressed(Path(__file__).with_name("gradients.npz"), **gradients)


if __name__ == "__main__":
    main()
