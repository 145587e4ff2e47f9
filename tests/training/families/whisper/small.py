"""A Whisper checkpoint that is quick to train on, with random weights, as a folder."""

import json
from pathlib import Path

import keras
import numpy as np
from safetensors.numpy import save_file

from tests.training.families.whisper.tiny import CONFIGS
from training.families.whisper.backbone import WhisperBackbone
from training.families.whisper.settings import WhisperSettings
from training.families.whisper.state import state_arrays

SMALL = {**CONFIGS["tiny"], "max_source_positions": 300}


def write_checkpoint(folder: Path, config: dict | None = None, prefix: str = "model.encoder.") -> Path:
    """Write `config.json`, `preprocessor_config.json` and `model.safetensors`, with a tensor of a decoder in it."""
    config = config or SMALL
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(2)
    arrays = state_arrays(WhisperBackbone(WhisperSettings.from_config(config)))
    tensors = {f"{prefix}{name}": np.ascontiguousarray(array) for name, array in arrays.items()}
    tensors["model.decoder.embed_tokens.weight"] = np.zeros((60, 32), "float32")
    (folder / "config.json").write_text(json.dumps(config))
    extractor = {"feature_size": config["num_mel_bins"], "sampling_rate": 16_000}
    (folder / "preprocessor_config.json").write_text(json.dumps(extractor))
    save_file(tensors, folder / "model.safetensors")
    return folder
