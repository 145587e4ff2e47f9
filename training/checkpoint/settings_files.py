"""`config.json` and `preprocessor_config.json`: what a checkpoint says of its network and of its input."""

from pathlib import Path
from typing import Any

from data_pipeline.errors import UserError
from training.checkpoint.json_file import read_object

CONFIG = "config.json"
FEATURE_EXTRACTOR = "preprocessor_config.json"
SAMPLE_RATE = 16_000

_MODEL_TYPES = ("wav2vec2", "hubert")
# What transformers takes where a checkpoint does not say.
_FEATURE_EXTRACTOR_DEFAULTS = {"do_normalize": True, "sampling_rate": SAMPLE_RATE}
_REMEDY = "fetch the checkpoint again"


def read_config(folder: Path) -> dict[str, Any]:
    """The network's settings.

    Raises:
        UserError: If they are missing, broken or those of another kind of network.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise UserError(
            f"{folder} has no {CONFIG}: give the folder of a Hugging Face checkpoint, with {CONFIG} and "
            "model.safetensors in it"
        )
    config = read_object(path, _REMEDY)
    model_type = config.get("model_type")
    if model_type not in _MODEL_TYPES:
        raise UserError(
            f"{path} is of model_type {model_type!r}, and only {' and '.join(_MODEL_TYPES)} can be read: choose a "
            "checkpoint of one of them"
        )
    return config


def read_feature_extractor(folder: Path) -> dict[str, Any]:
    """What is done to the waveform before the network, with transformers' defaults for what is not said.

    Raises:
        UserError: If the file is broken, or wants another sampling rate than 16 kHz.
    """
    path = folder / FEATURE_EXTRACTOR
    stated = read_object(path, _REMEDY) if path.is_file() else {}
    settings = _FEATURE_EXTRACTOR_DEFAULTS | stated
    if settings["sampling_rate"] != SAMPLE_RATE:
        raise UserError(
            f"{path} wants a sampling_rate of {settings['sampling_rate']!r}, and recordings are kept at {SAMPLE_RATE}: "
            "choose a checkpoint for 16 kHz"
        )
    if not isinstance(settings["do_normalize"], bool):
        raise UserError(
            f"{path} has do_normalize {settings['do_normalize']!r}, which should be true or false: {_REMEDY}"
        )
    return settings
