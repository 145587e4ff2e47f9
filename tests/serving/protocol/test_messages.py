"""The messages that need no TensorFlow, beside those of tensorflow-serving-api."""

import subprocess
import sys

import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from tensorflow_serving.apis import get_model_status_pb2, predict_pb2

from serving.protocol import messages, protoset
from serving.tensors import to_array, write_tensor

BOTH = """
import numpy as np
from serving.tensors import to_array, write_tensor
{imports}
request = messages.PredictRequest()
write_tensor(request.inputs["x"], np.arange(3, dtype=np.int32))
other = predict_pb2.PredictRequest.FromString(request.SerializeToString())
print(to_array(other.inputs["x"]).tolist())
"""

OTHER_VERSION = """
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import Default
{before}
file = FileDescriptorProto(name="tensorflow_serving/apis/model.proto", package="tensorflow.serving")
file.message_type.add(name="ModelSpec").field.add(name="of_another_version", number=1, type=9, label=1)
Default().AddSerializedFile(file.SerializeToString())
{after}
other = Default().FindMessageTypeByName("tensorflow.serving.ModelSpec")
print(messages.ModelSpec(name="ser").name, other.fields[0].name)
"""

IMPORT = "from serving.protocol import messages"


def run(code: str) -> str:
    """What a new process prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_protoset_is_that_of_tensorflow_serving_api():
    """If it is not, `make protoset` writes it anew."""
    assert FileDescriptorSet.FromString(protoset.FILE.read_bytes()) == protoset.described()


@pytest.mark.parametrize("first", ["messages", "tensorflow_serving"])
def test_they_share_a_process_with_tensorflow_serving_api(first):
    imports = [IMPORT, "from tensorflow_serving.apis import predict_pb2"]
    code = BOTH.format(imports="\n".join(imports if first == "messages" else imports[::-1]))
    assert run(code) == "[0, 1, 2]"


@pytest.mark.parametrize("first", ["messages", "tensorflow_serving"])
def test_they_share_a_process_with_another_version_of_tensorflow_serving_api(first):
    before, after = (IMPORT, "") if first == "messages" else ("", IMPORT)
    assert run(OTHER_VERSION.format(before=before, after=after)) == "ser of_another_version"


def test_a_request_is_read_by_the_server():
    request = messages.PredictRequest(model_spec=messages.ModelSpec(name="ser", version_label="stable"))
    request.model_spec.signature_name = "serving_default"
    write_tensor(request.inputs["waveform"], np.array([[0.5, -1]], np.float32))

    read = predict_pb2.PredictRequest.FromString(request.SerializeToString())

    assert (read.model_spec.name, read.model_spec.version_label) == ("ser", "stable")
    assert read.model_spec.signature_name == "serving_default"
    assert to_array(read.inputs["waveform"]).tolist() == [[0.5, -1]]


def test_an_answer_of_the_server_is_read():
    answer = predict_pb2.PredictResponse()
    answer.model_spec.version.value = 3
    write_tensor(answer.outputs["emotion"], np.array([b"fear"], object))
    status = get_model_status_pb2.GetModelStatusResponse()
    status.model_version_status.add(version=3, state=get_model_status_pb2.ModelVersionStatus.AVAILABLE)

    read = messages.PredictResponse.FromString(answer.SerializeToString())
    read_status = messages.GetModelStatusResponse.FromString(status.SerializeToString())

    assert read.model_spec.version.value == 3
    assert to_array(read.outputs["emotion"]).tolist() == [b"fear"]
    assert [one.state for one in read_status.model_version_status] == [messages.ModelVersionStatus.AVAILABLE]
