"""TensorFlow Serving's gRPC services."""

from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc, prediction_service_pb2_grpc

from serving.server.catalogue import Catalogue
from serving.server.model_queries import model_metadata, model_status
from serving.server.predictor import Predictor
from serving.server.request_error import as_request_error
from serving.server.watched_repository import WatchedRepository

Response = TypeVar("Response")


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """`tensorflow.serving.PredictionService`: Predict and GetModelMetadata.

    Args:
        catalogue: The models.
        predictor: Answers Predict requests.
    """

    def __init__(self, catalogue: Catalogue, predictor: Predictor):
        self._catalogue = catalogue
        self._predictor = predictor

    async def Predict(self, request, context):
        """Run one signature of one model on one batch."""
        return await _or_abort(context, self._predictor.predict(request, "GRPC", context.time_remaining()))

    async def GetModelMetadata(self, request, context):
        """Return the signatures of a model: names, dtypes and shapes of inputs and outputs."""
        try:
            return model_metadata(self._catalogue, request)
        except Exception as error:
            await _abort(context, error)

    async def Classify(self, _request, context):
        """Not implemented: the models have no signature for tf.Example."""
        sentence = "Of PredictionService, the local server answers Predict and GetModelMetadata only."
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, sentence)

    Regress = MultiInference = Classify


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """`tensorflow.serving.ModelService`.

    Args:
        catalogue: The models.
        repository: Loads a new configuration.
    """

    def __init__(self, catalogue: Catalogue, repository: WatchedRepository):
        self._catalogue = catalogue
        self._repository = repository

    async def GetModelStatus(self, request, context):
        """Return the states of the versions of a model: loading, loaded, failed or unloaded."""
        try:
            return model_status(self._catalogue, request)
        except Exception as error:
            await _abort(context, error)

    async def HandleReloadConfigRequest(self, request, context):
        """Serve other models, versions and labels. The call returns when they are loaded."""
        await _or_abort(context, self._repository.reconfigure(request.config))
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        return response


class UnreadableRequests(grpc.aio.ServerInterceptor):
    """Answers INTERNAL if a request cannot be parsed, as gRPC's C++ servers do.

    Without this interceptor, the caller gets UNKNOWN and the log a traceback.
    """

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Wrap a method so that it receives only requests that could be parsed."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        answer, parse = handler.unary_unary, handler.request_deserializer

        def parse_or_none(content: bytes) -> Message | None:
            try:
                return parse(content)
            except DecodeError:
                return None

        async def answer_if_read(request: Message | None, context: grpc.aio.ServicerContext):
            if request is None:
                await context.abort(grpc.StatusCode.INTERNAL, "The request cannot be parsed.")
            return await answer(request, context)

        return grpc.unary_unary_rpc_method_handler(answer_if_read, parse_or_none, handler.response_serializer)


async def _or_abort(context: grpc.aio.ServicerContext, answer: Awaitable[Response]) -> Response:
    try:
        return await answer
    except Exception as error:
        await _abort(context, error)


async def _abort(context: grpc.aio.ServicerContext, error: Exception) -> NoReturn:
    answer = as_request_error(error)
    await context.abort(answer.code, answer.sentence)
    raise AssertionError("abort returned") from error
