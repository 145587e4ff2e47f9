"""Write `serving.protoset`: what the package tensorflow-serving-api knows of the messages, as a file.

It is the format of `protoc --descriptor_set_out`, which grpcurl and the protobuf libraries of all languages read. The
messages are those of https://github.com/tensorflow/serving and https://github.com/tensorflow/tensorflow (Apache-2.0).

Usage: `python -m serving.protocol.protoset` (`make protoset`).
"""

from pathlib import Path

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2

FILE = Path(__file__).with_name("serving.protoset")


def described() -> FileDescriptorSet:
    """The files of PredictionService and ModelService, each after the files that it imports."""
    files: dict[str, FileDescriptor] = {}
    for service in (prediction_service_pb2, model_service_pb2):
        _add(service.DESCRIPTOR, files)
    result = FileDescriptorSet()
    for file in files.values():
        file.CopyToProto(result.file.add())
    return result


def _add(file: FileDescriptor, files: dict[str, FileDescriptor]) -> None:
    for needed in file.dependencies:
        _add(needed, files)
    files.setdefault(file.name, file)


if __name__ == "__main__":
    FILE.write_bytes(described().SerializeToString(deterministic=True))
    print(f"written: {FILE}")
