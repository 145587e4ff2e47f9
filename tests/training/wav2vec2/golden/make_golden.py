"""Makes `hidden_states.npz` from the reference implementation: python -m tests.training.wav2vec2.golden.make_golden"""

from pathlib import Path

import numpy as np

from tests.training.wav2vec2.reference import reference_states
from tests.training.wav2vec2.tiny import CONFIGS, waveform

SAMPLES = 1800


def main() -> None:
    """Write the hidden states and the answer of each small network for one clip."""
    golden = {}
    for name, config in CONFIGS.items():
        states, answer = reference_states(config, waveform(SAMPLES))
        golden[f"{name}/hidden_states"] = np.stack(states)
        golden[f"{name}/last_hidden_state"] = answer
    np.savez_compressed(Path(__file__).with_name("hidden_states.npz"), **golden)


if __name__ == "__main__":
    main()
