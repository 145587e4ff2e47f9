"""TensorFlow Serving's gRPC services."""

from collections.abc import Awaitable
from typing import NoReturn, TypeVar

import grpc
from tensorflow_serving.apis import (
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from serving.server.catalogue import Catalogue
from serving.server.model_queries import model_metadata, model_status
from serving.server.predictor import Predictor
from serving.server.refusal import as_refusal
from serving.server.watched_repository import WatchedRepository

Response = TypeVar("Response")


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """`tensorflow.serving.PredictionService`: Predict and GetModelMetadata.

    Args:
        catalogue: The models to tell of.
        predictor: Answers.
    """

    def __init__(self, catalogue: Catalogue, predictor: Predictor):
        self._catalogue = catalogue
        self._predictor = predictor

    async def Predict(self, request, context):
        """Run one signature of one model on one batch."""
        return await _or_abort(context, self._predictor.predict(request, "GRPC", context.time_remaining()))

    async def GetModelMetadata(self, request, context):
        """Tell a model's signatures: names, dtypes and shapes of inputs and outputs."""
        try:
            return model_metadata(self._catalogue, request)
        except Exception as error:
            await _abort(context, error)

    async def Classify(self, _request, context):
        """Not here: the models have no signature for tf.Example."""
        await _unimplemented(context)

    async def Regress(self, _request, context):
        """Not here: the models have no signature for tf.Example."""
        await _unimplemented(context)

    async def MultiInference(self, _request, context):
        """Not here: the models have no signature for tf.Example."""
        await _unimplemented(context)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """`tensorflow.serving.ModelService`.

    Args:
        catalogue: The models to tell of.
        repository: Takes a new configuration.
    """

    def __init__(self, catalogue: Catalogue, repository: WatchedRepository):
        self._catalogue = catalogue
        self._repository = repository

    async def GetModelStatus(self, request, context):
        """Tell which versions of a model are loaded, loading, failed or gone."""
        try:
            return model_status(self._catalogue, request)
        except Exception as error:
            await _abort(context, error)

    async def HandleReloadConfigRequest(self, request, context):
        """Serve other models, versions and labels; answered when they are loaded."""
        await _or_abort(context, self._repository.reconfigure(request.config))
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        return response


async def _or_abort(context: grpc.aio.ServicerContext, answer: Awaitable[Response]) -> Response:
    try:
        return await answer
    except Exception as error:
        await _abort(context, error)


async def _abort(context: grpc.aio.ServicerContext, error: Exception) -> NoReturn:
    refusal = as_refusal(error)
    await context.abort(refusal.code, refusal.sentence)
    raise AssertionError("abort returned") from error


async def _unimplemented(context: grpc.aio.ServicerContext) -> None:
    sentence = "Of PredictionService, the local server answers Predict and GetModelMetadata only."
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, sentence)
