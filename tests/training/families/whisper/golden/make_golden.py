"""Makes the golden numbers from the reference implementation.

`python -m tests.training.families.whisper.golden.make_golden`

Made with transformers 5.24.0 and PyTorch 2.13.0.
"""

from pathlib import Path

import numpy as np

from tests.training.families.wav2vec2.golden.make_golden import projected
from tests.training.families.whisper.reference import (
    reference_encoder,
    reference_gradients,
    reference_log_mel,
    reference_states,
)
from tests.training.families.whisper.tiny import CONFIGS, SHORT, WHOLE, voice

_EVERY = 7


def some(states) -> np.ndarray:
    """Every seventh frame of each state, with the last one: enough to tell a network from another, in a small file."""
    return np.stack([np.asarray(state)[:, [*range(0, state.shape[1], _EVERY), -1]][0] for state in states])


def main() -> None:
    """Write spectrograms, hidden states and gradients of each small network for a whole and a short clip."""
    golden = {}
    for name, config in CONFIGS.items():
        encoder = reference_encoder(config)
        for kind, samples in (("whole", WHOLE), ("short", SHORT)):
            log_mel = reference_log_mel(voice(samples), config["num_mel_bins"], 2)
            log_mel = log_mel[:, : (samples + 8_000 + 319) // 320 * 2]
            golden[f"{name}/{kind}/log_mel"] = log_mel[:, [*range(0, log_mel.shape[1], _EVERY), -1]]
            states = [state.detach().numpy() for state in reference_states(encoder, log_mel)]
            golden[f"{name}/{kind}/states"] = some(states)
        found = reference_gradients(encoder, log_mel)
        # Many small arrays would be larger as files.
        golden[f"{name}/names"] = np.array(" ".join(found))
        golden[f"{name}/gradients"] = np.stack([projected(gradient) for gradient in found.values()]).astype("float32")
    np.savez_compressed(Path(__file__).with_name("golden.npz"), **golden)


if __name__ == "__main__":
    main()
