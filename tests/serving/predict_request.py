import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import predict_pb2


def predict_request(inputs, *, model, version=None, label="", signature="", output_filter=()):
    """A request whose inputs are arrays or `TensorProto` messages."""
    request = predict_pb2.PredictRequest(output_filter=output_filter)
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label:
        request.model_spec.version_label = label
    for name, value in inputs.items():
        is_tensor = isinstance(value, tensor_pb2.TensorProto)
        request.inputs[name].CopyFrom(value if is_tensor else tf.make_tensor_proto(np.asarray(value)))
    return request
