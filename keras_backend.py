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

from data_pipeline.errors import UserError

BACKENDS = ("tensorflow", "jax", "torch")
"""Backends that networks can be trained on."""


def settle() -> None:
    """Check the backend at the first `import keras` of this process, and set the other settings after it.

    Raises:
        UserError: From that import, if the backend cannot be used.
    """
    sys.meta_path.insert(0, _KerasFinder())


class _KerasFinder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):  # noqa: ARG002  the protocol's signature
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
                _check_settings()
                load(module)
                module.config.set_floatx("float32")
                module.config.set_epsilon(1e-7)
                module.config.set_image_data_format("channels_last")

            spec.loader.exec_module = load_settled  # type: ignore[method-assign]
        return spec


def _check_settings() -> None:
    """Refuse a backend that cannot be used, before Keras fails on it."""
    file = _settings_file()
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # Keras passes over a file that it cannot read.
        settings = {}
    backend = os.environ.get("KERAS_BACKEND") or settings.get("backend") or "tensorflow"
    source = "KERAS_BACKEND" if os.environ.get("KERAS_BACKEND") else str(file)
    if backend not in BACKENDS:
        raise UserError(f"{source} names the backend {backend!r} for Keras: choose one of {', '.join(BACKENDS)}")
    # TensorFlow is a requirement of this project.
    if backend != "tensorflow" and importlib.util.find_spec(backend) is None:
        raise UserError(
            f"{source} names the backend {backend} for Keras, which is not installed: `pip install {backend}`, or set "
            "KERAS_BACKEND=tensorflow"
        )


def _settings_file() -> Path:
    home = os.environ.get("KERAS_HOME")
    return Path(home).expanduser() / "keras.json" if home else Path.home() / ".keras" / "keras.json"
