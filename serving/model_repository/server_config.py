"""The three text protos beside the model folders, which configure TensorFlow Serving.

- `models.config` (`ModelServerConfig`): which models to serve.
- `batching.config` (`BatchingParameters`): how calls are merged into batches.
- `monitoring.config` (`MonitoringConfig`): where Prometheus finds the metrics.

An export adds its model to the first file and writes the other two if they are missing. It never changes an existing
entry or file, so the operator of the server can edit them.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import write_text

SERVED_AT = PurePosixPath("/models")
"""Folder of the model repository in the production image. TensorFlow Serving refuses relative base paths, so
`models.config` must name this folder. `Dockerfile.serving` copies or mounts the repository there."""

MODELS = "models.config"
BATCHING = "batching.config"
MONITORING = "monitoring.config"

_BATCHING_PARAMETERS = """\
# BatchingParameters of TensorFlow Serving (session_bundle_config.proto), for --batching_parameters_file.
#
# A call may bring 32 rows. They are computed 8 at a time at most, with those of other calls, since a MobileNet on a
# processor takes longer for a row again in larger batches: what it computes no longer fits the caches. On a GPU, where
# larger batches are faster, raise max_execution_batch_size.
max_batch_size { value: 32 }
enable_large_batch_splitting { value: true }
max_execution_batch_size { value: 8 }
# A batch is filled up to the next allowed size with rows that nobody asked for. The last of them must equal
# max_batch_size.
allowed_batch_sizes: 1
allowed_batch_sizes: 2
allowed_batch_sizes: 3
allowed_batch_sizes: 4
allowed_batch_sizes: 5
allowed_batch_sizes: 6
allowed_batch_sizes: 7
allowed_batch_sizes: 8
allowed_batch_sizes: 32
# Waveforms of different lengths share a batch because the server pads them; the model looks at no sample past
# num_samples, whatever the padding holds.
pad_variable_length_inputs: true
# How long the first call of a batch waits for others. Not at all: while a batch is computed, the next one gathers.
batch_timeout_micros { value: 0 }
# The queue is bounded: where it is full, a call fails at once, with UNAVAILABLE (`ser serve`: RESOURCE_EXHAUSTED).
max_enqueued_batches { value: 16 }
"""

_MONITORING_CONFIG = """\
# MonitoringConfig of TensorFlow Serving (monitoring_config.proto), for --monitoring_config_file.
# Prometheus asks the REST port for this path.
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""


class ConfigError(UserError):
    """A `models.config` is missing or cannot be read."""


def read_models_config(models: Path) -> ModelServerConfig:
    """Read `models.config`.

    Args:
        models: Folder of the model repository.

    Returns:
        The content of the file.

    Raises:
        ConfigError: If the file is missing or is not a `ModelServerConfig` in text form.
    """
    path = models / MODELS
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"there is no {path}: write the model repository with `ser export RUN {models}`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): put it right") from error
    try:
        return text_format.Parse(text, ModelServerConfig())
    except text_format.ParseError as error:
        raise ConfigError(f"{path} is not a ModelServerConfig in text form ({error}): put it right") from error


def local_folder(models: Path, model: ModelConfig) -> Path:
    """The folder of a model's versions on this machine.

    Args:
        models: Folder of the model repository.
        model: One entry of its `models.config`.

    Returns:
        The entry's base path; one below `/models` is taken relative to `models` instead.
    """
    base_path = PurePosixPath(model.base_path)
    if base_path.is_relative_to(SERVED_AT):
        return models / base_path.relative_to(SERVED_AT)
    return Path(model.base_path)


def register(models: Path, name: str) -> None:
    """Add a model to `models.config`, and write the other two files if they are missing.

    Existing entries and files stay as they are.

    Args:
        models: Folder of the model repository, which must exist.
        name: Name of the model.

    Raises:
        ConfigError: If an existing `models.config` cannot be read; then nothing is changed.
        UserError: If a file cannot be written.
    """
    with editing(models) as config:
        if name not in {model.name for model in config.model_config_list.config}:
            config.model_config_list.config.add(name=name, base_path=str(SERVED_AT / name), model_platform="tensorflow")
        for file, content in ((BATCHING, _BATCHING_PARAMETERS), (MONITORING, _MONITORING_CONFIG)):
            if not (models / file).exists():
                write_text(models / file, content)


@contextmanager
def editing(models: Path) -> Iterator[ModelServerConfig]:
    """Change `models.config` within a `with` block, while no other command can write it.

    Args:
        models: Folder of the model repository, which must exist.

    Yields:
        The content of the file, empty if there is none, to be changed in place. A changed content replaces the file
        atomically at the end of the block. A block that raises changes nothing.

    Raises:
        ConfigError: If the file cannot be read.
        UserError: If it cannot be written.
    """
    with _lock(models):
        config = read_models_config(models) if (models / MODELS).exists() else ModelServerConfig()
        before = ModelServerConfig()
        before.CopyFrom(config)
        yield config
        if config != before:
            write_text(models / MODELS, text_format.MessageToString(config))


@contextmanager
def _lock(models: Path) -> Iterator[None]:
    """Let only one command at a time write to a repository, so that none overwrites the changes of another."""
    with (models / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
