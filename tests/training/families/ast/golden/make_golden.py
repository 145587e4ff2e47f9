"""Makes the golden numbers from the reference implementation.

`python -m tests.training.families.ast.golden.make_golden`

Made with transformers 5.24.0 and PyTorch 2.13.0, without torchaudio: with the feature extractor's own filter bank.
"""

from pathlib import Path

import numpy as np

from tests.training.families.ast.reference import (
    reference_gradients,
    reference_log_mel,
    reference_model,
    reference_states,
)
from tests.training.families.ast.tiny import CONFIGS, SHORT, WHOLE, voice
from tests.training.families.wav2vec2.golden.make_golden import projected
from training.families.ast.settings import AstSettings


def main() -> None:
    """Write spectrograms, hidden states and gradients of each small network for a whole and a short clip."""
    golden = {}
    for name, config in CONFIGS.items():
        model, settings = reference_model(config), AstSettings.from_config(config)
        for kind, samples in (("whole", WHOLE[name]), ("short", SHORT)):
            log_mel = reference_log_mel(voice(samples), config)
            frames = (samples - 400) // 160 + 1
            across = -(-(frames - settings.patch_size) // settings.time_stride) + 1
            across = min(across, settings.most_patches)
            golden[f"{name}/{kind}/log_mel"] = log_mel[:frames]
            states = reference_states(model, log_mel, across)
            golden[f"{name}/{kind}/states"] = np.stack([state.detach().numpy()[0] for state in states])
        found = reference_gradients(model, log_mel, across)
        golden[f"{name}/names"] = np.array(" ".join(found))
        golden[f"{name}/gradients"] = np.stack([projected(gradient) for gradient in found.values()]).astype("float32")
    np.savez_compressed(Path(__file__).with_name("golden.npz"), **golden)


if __name__ == "__main__":
    main()
