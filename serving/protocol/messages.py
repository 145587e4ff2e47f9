"""The messages of TensorFlow Serving that a client sends and receives, built from `serving.protoset`.

`tensorflow_serving.apis` has the same messages, but importing them imports TensorFlow: 2 GB on the disk, and seconds at
every start.

The classes are in a pool of their own. In protobuf's default pool a name can be described only once
(https://github.com/protocolbuffers/protobuf/issues/3002), so these messages and a tensorflow-serving-api of another
version would exclude each other. Here any version may be imported into the same process, before or after. Messages of
the two pools are of different classes, which read each other's bytes.
"""

from importlib import resources
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass


def _pool() -> DescriptorPool:
    pool = DescriptorPool()
    content = resources.files(__package__).joinpath("serving.protoset").read_bytes()
    for file in FileDescriptorSet.FromString(content).file:
        pool.Add(file)
    return pool


_POOL = _pool()


def _message(name: str) -> Any:
    return GetMessageClass(_POOL.FindMessageTypeByName(f"tensorflow.serving.{name}"))


ModelSpec = _message("ModelSpec")
PredictRequest = _message("PredictRequest")
PredictResponse = _message("PredictResponse")
GetModelStatusRequest = _message("GetModelStatusRequest")
GetModelStatusResponse = _message("GetModelStatusResponse")
ModelVersionStatus = _message("ModelVersionStatus")
