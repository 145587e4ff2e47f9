"""`tf.train.Example` without TensorFlow, whose import would cost every worker process seconds.

The message is that of tensorflow/core/example/{example,feature}.proto, declared here to the protobuf library. The
library does all encoding except that of long byte strings, which it would copy three times.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "tensorflow"


def encode_example(values: Mapping[str, bytes | str | int | tuple[int, ...]]) -> bytes:
    """Serialise the features of an example.

    Args:
        values: Values by feature name. Strings and bytes become a bytes list, integers an int64 list.

    Returns:
        A serialised `tf.train.Example`; equal values give equal bytes.
    """
    example = _EXAMPLE()
    features = example.features.feature
    for key, value in values.items():
        if isinstance(value, str):
            features[key].bytes_list.value.append(value.encode())
        elif isinstance(value, bytes):
            features[key].bytes_list.value.append(value)
        else:
            features[key].int64_list.value.extend(value if isinstance(value, tuple) else (value,))
    return example.SerializeToString(deterministic=True)


def head_of_bytes(key: str, size: int) -> bytes:
    """The bytes before the value in an example with a single feature, a byte string.

    Args:
        key: Name of the feature.
        size: Size of the value in bytes.

    Returns:
        Bytes that, followed by the value, equal `encode_example({key: value})`.
    """
    value = _field(1, size)  # BytesList.value
    feature = _field(1, len(value) + size) + value  # Feature.bytes_list
    name = key.encode()
    entry = _field(1, len(name)) + name + _field(2, len(feature) + size) + feature  # FeatureEntry.key and value
    features = _field(1, len(entry) + size) + entry  # Features.feature
    return _field(1, len(features) + size) + features  # Example.features


def _field(number: int, size: int) -> bytes:
    """Tag and length of a field of bytes, strings or messages, whose wire type is 2 (protobuf.dev, Encoding)."""
    head = bytearray([number << 3 | 2])
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head)


def _declare() -> type[Any]:
    """The message class of `Example`, in a pool of its own so that it does not clash with TensorFlow's."""
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package=_PACKAGE, syntax="proto3")
    scalars = {"BytesList": _FIELD.TYPE_BYTES, "FloatList": _FIELD.TYPE_FLOAT, "Int64List": _FIELD.TYPE_INT64}
    for name, kind in scalars.items():
        file.message_type.add(name=name).field.add(name="value", number=1, type=kind, label=_FIELD.LABEL_REPEATED)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(("bytes_list", "float_list", "int64_list"), start=1):
        message = name.replace("_", " ").title().replace(" ", "")
        field = _message_field(feature, name, number, message)
        field.oneof_index = 0
    features = file.message_type.add(name="Features")
    _message_field(features, "feature", 1, "Features.FeatureEntry").label = _FIELD.LABEL_REPEATED
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
    _message_field(entry, "value", 2, "Feature")
    _message_field(file.message_type.add(name="Example"), "features", 1, "Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Example"))


def _message_field(
    message: descriptor_pb2.DescriptorProto, name: str, number: int, type_name: str
) -> descriptor_pb2.FieldDescriptorProto:
    return message.field.add(
        name=name,
        number=number,
        type=_FIELD.TYPE_MESSAGE,
        label=_FIELD.LABEL_OPTIONAL,
        type_name=f".{_PACKAGE}.{type_name}",
    )


_EXAMPLE = _declare()
