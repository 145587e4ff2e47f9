"""Write a trained model as the next version in a model repository, in the format of TensorFlow Serving."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import tensorflow as tf

from data_pipeline.errors import UserError
from serving.export import warmup
from serving.export.bfloat16_check import check_bfloat16
from serving.export.provenance import PROVENANCE_FILE
from serving.export.signatures import signatures
from serving.model_repository import layout, server_config
from training.accelerator import require_tensorflow
from training.run.recogniser import Recogniser


class ExportError(UserError):
    """A version could not be written."""


def export_model(
    recogniser: Recogniser,
    models: Path,
    name: str,
    *,
    provenance: dict[str, Any] | None = None,
    dtype: str = "float32",
) -> Path:
    """Add a version to a model repository.

    The version folder appears complete or not at all. The model is added to `models.config` only after that, because
    a server must never be told to serve a model that does not exist.

    Args:
        recogniser: The model to export.
        models: Folder of the model repository; created if it is missing.
        name: Name of the model in the repository.
        provenance: JSON-serialisable description of where the weights come from, written to
            `assets.extra/provenance.json`; see `serving.export.provenance`.
        dtype: Data type of weights and products, see `Recogniser.for_serving`.

    Returns:
        The new version's folder, `models/name/version`.

    Raises:
        layout.RepositoryError: If `name` is not allowed as the name of a model.
        server_config.ConfigError: If the repository's `models.config` cannot be read.
        ExportError: If the repository cannot be written.
        UserError: If the model cannot be served with this dtype, its bfloat16 answers are wrong on this machine, or
            Keras computes with another backend than TensorFlow.
    """
    require_tensorflow("an export")
    trained, recogniser = recogniser, recogniser.for_serving(dtype)
    if dtype == "bfloat16":
        check_bfloat16(recogniser, trained.for_serving("float32"))
    folder = layout.model_folder(models, name)

    def write(version: Path) -> None:
        _write_saved_model(recogniser, version)
        _write_labels(recogniser.labels, version)
        warmup.write(name, version)
        if provenance is not None:
            (version / PROVENANCE_FILE).write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")

    made = [place for place in (models, *models.parents) if not place.exists()]
    try:
        models.mkdir(parents=True, exist_ok=True)
        if (models / server_config.MODELS).exists():
            # An unreadable file must stop the export before a version appears.
            server_config.read_models_config(models)
        version = layout.publish(folder, write)
        server_config.register(models, name)
    except (OSError, tf.errors.OpError) as error:
        for place in made:
            with contextlib.suppress(OSError):
                place.rmdir()
        raise ExportError(
            f"the model {name!r} cannot be written to {models} ({_reason(error)}): make room there or choose another "
            "folder"
        ) from error
    return version


def _reason(error: OSError | tf.errors.OpError) -> str:
    """The operating system's words, without the names of TensorFlow's nodes and of temporary files."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # TensorFlow writes `{{function_node …}} PATH; No space left on device [Op:SaveV2]`.
    message = re.sub(r"\{\{.*?\}\}|\[Op:.*", "", error.message, flags=re.DOTALL)
    return message.rpartition(";")[2].strip()


def _write_saved_model(recogniser: Recogniser, version: Path) -> None:
    module = tf.Module()
    # Track the weights only. Tracking the Keras model, as `model.export` does, can store the weights twice (keras
    # issue 23553) and also stores those of the optimiser.
    module.weights = [weight.value for weight in recogniser.model.weights]
    tf.saved_model.save(
        module,
        str(version),
        signatures=signatures(recogniser),
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )


def _write_labels(labels: tuple[str, ...], version: Path) -> None:
    path = version / layout.LABELS_FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
