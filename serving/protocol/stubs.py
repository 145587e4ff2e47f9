"""The methods of TensorFlow Serving that a client calls, for a channel of `grpc` or of `grpc.aio`."""

from typing import Any

from serving.protocol.messages import (
    GetModelStatusRequest,
    GetModelStatusResponse,
    PredictRequest,
    PredictResponse,
)


class PredictionServiceStub:
    """Asks models.

    Args:
        channel: Connection to a server.

    Attributes:
        Predict: From `PredictRequest` to `PredictResponse`.
    """

    def __init__(self, channel: Any):
        self.Predict = channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            request_serializer=PredictRequest.SerializeToString,
            response_deserializer=PredictResponse.FromString,
        )


class ModelServiceStub:
    """Asks for the states of models.

    Args:
        channel: Connection to a server.

    Attributes:
        GetModelStatus: From `GetModelStatusRequest` to `GetModelStatusResponse`.
    """

    def __init__(self, channel: Any):
        self.GetModelStatus = channel.unary_unary(
            "/tensorflow.serving.ModelService/GetModelStatus",
            request_serializer=GetModelStatusRequest.SerializeToString,
            response_deserializer=GetModelStatusResponse.FromString,
        )
