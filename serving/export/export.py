"""Writing a recogniser as the next version of a model that TensorFlow Serving can load."""

import json
from pathlib import Path
from typing import Any

import tensorflow as tf

from data_pipeline.errors import UserError
from serving.export import origin, warmup
from serving.export.signatures import signatures
from serving.model_repository import repository, server_config
from training.run.recogniser import Recogniser


class ExportError(UserError):
    """A version that could not be written."""


def export(
    recogniser: Recogniser,
    models: Path,
    name: str,
    *,
    provenance: dict[str, Any] | None = None,
    dtype: str = "float32",
) -> Path:
    """Add a version to a model repository.

    The version folder appears whole or not at all, and only then is the model added to `models.config`, since
    a server must never be told of a model that is not there.

    Args:
        recogniser: What to export.
        models: The model repository; created where it is missing.
        name: The model's name in it.
        provenance: Anything JSON can hold about the origin of the weights, for
            `assets.extra/provenance.json`; see `serving.export.origin`.
        dtype: Of weights and products, see `Recogniser.for_serving`.

    Returns:
        The new version's folder, `models/name/version`.

    Raises:
        repository.RepositoryError: If the name cannot be a model's.
        server_config.ConfigError: If the repository has a `models.config` that cannot be read.
        ExportError: If the repository cannot be written.
        UserError: If the model cannot be served with that dtype.
    """
    recogniser = recogniser.for_serving(dtype)
    folder = repository.model_folder(models, name)

    def write(version: Path) -> None:
        _write_saved_model(recogniser, version)
        _write_labels(recogniser.labels, version)
        warmup.write(name, version)
        if provenance is not None:
            (version / origin.FILE).write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")

    try:
        models.mkdir(parents=True, exist_ok=True)
        if (models / server_config.MODELS).exists():
            # An unreadable one must stop the export before a version appears.
            server_config.read_config(models)
        version = repository.publish(folder, write)
        server_config.register(models, name)
    except (OSError, tf.errors.OpError) as error:
        raise ExportError(
            f"the model {name!r} cannot be written to {models} ({error}): make room there or choose another folder"
        ) from error
    return version


def _write_saved_model(recogniser: Recogniser, version: Path) -> None:
    module = tf.Module()
    # The weights and nothing else: tracking the Keras model itself, as `model.export` does, can store them
    # twice (keras issue 23553) and brings the optimiser's along.
    module.weights = [weight.value for weight in recogniser.model.weights]
    tf.saved_model.save(
        module,
        str(version),
        signatures=signatures(recogniser),
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )


def _write_labels(labels: tuple[str, ...], version: Path) -> None:
    path = version / repository.LABELS_FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
