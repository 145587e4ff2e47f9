"""Keras as the networks of this project need it, whatever the user's own settings of Keras are.

On import, Keras reads `KERAS_BACKEND` and `keras.json` (in `KERAS_HOME`, by default `~/.keras`). The backend is the
user's choice (docs/wav2vec2.md); one that is unknown or not installed is an error that says what to do. The other
settings are not: networks are float32 unless their recipe says otherwise, with channels last.
"""

import importlib.abc
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

from data_pipeline.errors import UserError

BACKENDS = ("tensorflow", "jax", "torch")
"""Backends that networks can be trained on."""


_FLOATS = ("float16", "float32", "float64")


def settle() -> None:
    """Check the backend at the first `import keras` of this process, and set the other settings after it.

    Raises:
        UserError: From that import, or TensorFlow's, if the backend or `keras.json` cannot be used.
    """
    sys.meta_path.insert(0, _KerasFinder())


class _KerasFinder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):  # noqa: ARG002  the protocol's signature
        if fullname in ("tensorflow", "keras"):
            # TensorFlow reads the file as well.
            _check_file(_settings_file())
        if fullname != "keras":
            return None
        # Back at once: TensorFlow looks for Keras before anything imports it.
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            sys.meta_path.insert(0, self)
        if spec and spec.loader:
            load = spec.loader.exec_module

            def load_settled(module) -> None:
                _check_backend()
                load(module)
                module.config.set_floatx("float32")
                module.config.set_epsilon(1e-7)
                module.config.set_image_data_format("channels_last")

            spec.loader.exec_module = load_settled  # type: ignore[method-assign]
        return spec


def _check_file(file: Path) -> None:
    """Refuse settings that TensorFlow and Keras would fail on."""
    settings = _read(file)
    if not isinstance(settings, dict):
        raise UserError(f"{file} is no JSON object: mend or remove it")
    if settings.get("floatx", "float32") not in _FLOATS:
        raise UserError(f"{file} has the floatx {settings['floatx']!r}: write one of {', '.join(_FLOATS)}")


def _check_backend() -> None:
    """Refuse a backend that cannot be used, before Keras fails on it."""
    source, backend = "KERAS_BACKEND", os.environ.get("KERAS_BACKEND")
    if not backend:
        source, backend = str(_settings_file()), _read(_settings_file()).get("backend", "tensorflow")
    if backend not in BACKENDS:
        raise UserError(f"{source} names the backend {backend!r} for Keras: choose one of {', '.join(BACKENDS)}")
    # TensorFlow is a requirement of this project.
    if backend != "tensorflow" and importlib.util.find_spec(backend) is None:
        raise UserError(
            f"{source} names the backend {backend} for Keras, which is not installed: `pip install {backend}`, or set "
            "KERAS_BACKEND=tensorflow"
        )


def _read(file: Path) -> Any:
    """The content of the file; Keras passes over one that is no JSON."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _settings_file() -> Path:
    """Where Keras looks (keras/src/backend/config.py)."""
    home = os.path.expanduser("~")  # noqa: PTH111  `Path.home` fails where there is none
    folder = Path(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return Path(os.path.expanduser(os.environ.get("KERAS_HOME", folder))) / "keras.json"  # noqa: PTH111
