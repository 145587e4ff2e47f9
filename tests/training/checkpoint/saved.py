"""Small random checkpoints, saved as transformers saves them."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

CONFIG = {
    "model_type": "wav2vec2",
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "do_stable_layer_norm": False,
    "feat_extract_norm": "group",
}
FEATURE_EXTRACTOR = {"do_normalize": False, "sampling_rate": 16_000, "feature_size": 1}
OLD_NORM = ("weight_g", "weight_v")
NEW_NORM = ("parametrizations.weight.original0", "parametrizations.weight.original1")


def backbone(norm=NEW_NORM, seed=0) -> dict[str, np.ndarray]:
    """The tensors of a very small network, by canonical name but for the weight norm."""
    random = np.random.default_rng(seed)
    shapes = {
        "feature_extractor.conv_layers.0.conv.weight": (4, 1, 10),
        "feature_projection.projection.weight": (8, 4),
        f"encoder.pos_conv_embed.conv.{norm[0]}": (1, 1, 16),
        f"encoder.pos_conv_embed.conv.{norm[1]}": (8, 4, 16),
        "encoder.layers.0.attention.k_proj.weight": (8, 8),
        "encoder.layers.1.attention.k_proj.weight": (8, 8),
        "masked_spec_embed": (8,),
    }
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


HEADS = {
    "lm_head.weight": np.zeros((3, 8), np.float32),
    "quantizer.codevectors": np.zeros((1, 4, 2), np.float32),
    "project_hid.bias": np.zeros(2, np.float32),
    "project_q.bias": np.zeros(2, np.float32),
    "classifier.bias": np.zeros(2, np.float32),
    "projector.bias": np.zeros(2, np.float32),
    "layer_weights": np.zeros(3, np.float32),
}


def with_prefix(tensors: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {f"{prefix}{name}": array for name, array in tensors.items()}


def save_settings(folder: Path, config=CONFIG, feature_extractor=FEATURE_EXTRACTOR) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    if feature_extractor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(feature_extractor))


def save(folder: Path, tensors=None, config=CONFIG, feature_extractor=FEATURE_EXTRACTOR) -> Path:
    """A folder with one file of safetensors."""
    save_settings(folder, config, feature_extractor)
    save_file(backbone() if tensors is None else tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def save_sharded(folder: Path, tensors=None) -> Path:
    """A folder with two shards and their index."""
    tensors = backbone() if tensors is None else tensors
    save_settings(folder)
    weight_map = {}
    for number, names in enumerate((list(tensors)[::2], list(tensors)[1::2]), start=1):
        shard = f"model-0000{number}-of-00002.safetensors"
        save_file({name: tensors[name] for name in names}, folder / shard)
        weight_map |= dict.fromkeys(names, shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder
