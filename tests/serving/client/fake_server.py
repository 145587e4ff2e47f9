"""Fake servers, which also give the answers that a real server gives only after an error."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from data_pipeline.emotion import LABELS
from serving.tensors import MAX_MESSAGE_BYTES, to_array, write_tensor

Predict = Callable[[predict_pb2.PredictRequest, grpc.ServicerContext], predict_pb2.PredictResponse]


def happy(request: predict_pb2.PredictRequest, version: int = 1, **changed: np.ndarray) -> predict_pb2.PredictResponse:
    """An answer of happiness with a high confidence in every row; `changed` outputs replace its own."""
    rows = to_array(request.inputs["num_samples"]).shape[0]
    outputs = {
        "probabilities": np.tile(np.eye(len(LABELS), dtype=np.float32)[3], (rows, 1)),
        "emotion": np.array([b"happiness"] * rows, object),
        "confidence": np.ones(rows, np.float32),
        "status": np.zeros(rows, np.int32),
        **changed,
    }
    response = predict_pb2.PredictResponse()
    for name, array in outputs.items():
        write_tensor(response.outputs[name], array)
    response.model_spec.version.value = version
    return response


@contextlib.contextmanager
def fake_server(predict: Predict, credentials: grpc.ServerCredentials | None = None) -> Iterator[str]:
    """Run a fake server, whose model is always available. Yields its address."""

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            return predict(request, context)

    class Models(model_service_pb2_grpc.ModelServiceServicer):
        def GetModelStatus(self, request, context):
            response = get_model_status_pb2.GetModelStatusResponse()
            response.model_version_status.add(version=1, state=get_model_status_pb2.ModelVersionStatus.AVAILABLE)
            return response

    options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]
    server = grpc.server(ThreadPoolExecutor(16), options=options)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(Models(), server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
