"""The three text protos beside the model folders, with which TensorFlow Serving is started.

- `models.config` (`ModelServerConfig`): which models to serve.
- `batching.config` (`BatchingParameters`): how calls are merged into batches.
- `monitoring.config` (`MonitoringConfig`): where Prometheus finds the metrics.

An export adds its model to the first and writes the other two where they are missing; from then on they
belong to whoever runs the server.
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
"""Where the production image holds the model repository. TensorFlow Serving refuses relative base paths, so
that `models.config` must name this place; `Dockerfile.serving` copies or mounts the repository there."""

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
    """A `models.config` that is missing or cannot be read."""


def read_config(models: Path) -> ModelServerConfig:
    """Which models a repository serves.

    Args:
        models: The model repository.

    Returns:
        The content of its `models.config`.

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
    """Where a model's versions lie on this machine.

    Args:
        models: The model repository.
        model: One entry of its `models.config`.

    Returns:
        The entry's base path, read relative to `models` where it lies below `/models`.
    """
    base_path = PurePosixPath(model.base_path)
    if base_path.is_relative_to(SERVED_AT):
        return models / base_path.relative_to(SERVED_AT)
    return Path(model.base_path)


def register(models: Path, name: str) -> None:
    """Make sure that a repository's servers serve a model; what else its files say stays as it is.

    Args:
        models: The model repository; it exists.
        name: The model's name.

    Raises:
        ConfigError: If an existing `models.config` cannot be read; nothing is changed then.
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
    """The content of `models.config`, to be changed within the block, while nobody else writes it.

    Args:
        models: The model repository; it exists.

    Yields:
        What the file says, or nothing where it is missing. What has become of it is written at the block's end, whole
        or not at all, if it was changed; a block that fails changes nothing.

    Raises:
        ConfigError: If the file cannot be read.
        UserError: If it cannot be written.
    """
    with _lock(models):
        config = read_config(models) if (models / MODELS).exists() else ModelServerConfig()
        before = ModelServerConfig()
        before.CopyFrom(config)
        yield config
        if config != before:
            write_text(models / MODELS, text_format.MessageToString(config))


@contextmanager
def _lock(models: Path) -> Iterator[None]:
    """Keep two commands that write to one repository from losing what the other has changed."""
    with (models / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
