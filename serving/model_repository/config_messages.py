"""The message types of TensorFlow Serving's configuration files that `tensorflow-serving-api` does not contain.

That package has `ModelServerConfig` and the messages of the API. The types of the other text protos are built here from
their fields, as in TensorFlow Serving 2.21: `BatchingParameters` (servables/tensorflow/session_bundle_config.proto),
`MonitoringConfig` (config/monitoring_config.proto) and `SSLConfig` (config/ssl_config.proto). In text form, only the
names and types of the fields matter.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from google.protobuf.message import Message

from data_pipeline.errors import UserError

_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "tensorflow.serving"


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(
        name="serving/config_messages.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    batching = file.message_type.add(name="BatchingParameters")
    for name, number, wrapper in (
        ("max_batch_size", 1, "Int64Value"),
        ("batch_timeout_micros", 2, "Int64Value"),
        ("max_enqueued_batches", 3, "Int64Value"),
        ("num_batch_threads", 4, "Int64Value"),
        ("thread_pool_name", 5, "StringValue"),
        ("enable_large_batch_splitting", 8, "BoolValue"),
        ("max_execution_batch_size", 9, "Int64Value"),
    ):
        batching.field.add(
            name=name, number=number, type=_FIELD.TYPE_MESSAGE, type_name=f".google.protobuf.{wrapper}"
        )  # fmt: skip
    batching.field.add(name="allowed_batch_sizes", number=6, type=_FIELD.TYPE_INT64, label=_FIELD.LABEL_REPEATED)
    batching.field.add(name="pad_variable_length_inputs", number=7, type=_FIELD.TYPE_BOOL)

    prometheus = file.message_type.add(name="PrometheusConfig")
    prometheus.field.add(name="enable", number=1, type=_FIELD.TYPE_BOOL)
    prometheus.field.add(name="path", number=2, type=_FIELD.TYPE_STRING)
    monitoring = file.message_type.add(name="MonitoringConfig")
    monitoring.field.add(
        name="prometheus_config", number=1, type=_FIELD.TYPE_MESSAGE, type_name=f".{_PACKAGE}.PrometheusConfig"
    )

    ssl = file.message_type.add(name="SSLConfig")
    for number, name in enumerate(("server_key", "server_cert", "custom_ca"), start=1):
        ssl.field.add(name=name, number=number, type=_FIELD.TYPE_STRING)
    ssl.field.add(name="client_verify", number=4, type=_FIELD.TYPE_BOOL)

    # A separate pool, because the default one may already contain TensorFlow Serving's own files.
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return pool


def message_type(name: str) -> Callable[..., Message]:
    """The class of a message.

    Args:
        name: `BatchingParameters`, `MonitoringConfig` or `SSLConfig`.
    """
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


def read_text_proto(path: Path, name: str) -> Message:
    """Read a configuration file.

    Args:
        path: Path of the file.
        name: Name of its message type, see `message_type`.

    Returns:
        The message.

    Raises:
        UserError: If the file is missing or does not hold such a message in text form.
    """
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), message_type(name)())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({error}): put it right") from error
    except text_format.ParseError as error:
        raise UserError(f"{path} is not a {name} in text form ({error}): put it right") from error
