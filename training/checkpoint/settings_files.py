"""The JSON files of a checkpoint: `config.json`, of its network, and `preprocessor_config.json`, of its input."""

import json
from pathlib import Path
from typing import Any

from data_pipeline.errors import UserError
from training.checkpoint.architectures import Architecture, architectures

CONFIG = "config.json"
FEATURE_EXTRACTOR = "preprocessor_config.json"
SAMPLE_RATE = 16_000

_FEATURE_EXTRACTOR_DEFAULTS = {"do_normalize": True, "sampling_rate": SAMPLE_RATE}
"""The defaults of transformers, for checkpoints without these settings."""

_REMEDY = "fetch the checkpoint again"


def read_network_config(folder: Path, only: Architecture | None = None) -> dict[str, Any]:
    """Read the settings of the network.

    Args:
        folder: Folder of the checkpoint.
        only: The architecture that it must have. Defaults to any that is known.

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
    readable = [known for architecture in architectures(only) for known in architecture.model_types]
    if model_type not in readable:
        *others, last = readable
        which = f"{', '.join(others)} and {last}" if others else last
        raise UserError(
            f"{path} is of model_type {model_type!r}, and only {which} can be read here: choose a checkpoint of "
            f"{'one of them' if others else 'it'}"
        )
    return config


def read_feature_extractor(folder: Path) -> dict[str, Any]:
    """Read what is done to the waveform before the network, with transformers' defaults for missing settings.

    Raises:
        UserError: If the file is broken, or asks for another sampling rate than 16 kHz.
    """
    path = folder / FEATURE_EXTRACTOR
    content = read_object(path, _REMEDY) if path.is_file() else {}
    settings = _FEATURE_EXTRACTOR_DEFAULTS | content
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


def read_object(path: Path, remedy: str) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Args:
        path: The file.
        remedy: What to do if it is broken, as the end of a sentence.

    Raises:
        UserError: If it cannot be read, or is no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): {remedy}") from error
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON ({error}): {remedy}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} should hold a JSON object and holds a {type(content).__name__}: {remedy}")
    return content
