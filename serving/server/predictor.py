"""From a PredictRequest to its response, for gRPC and REST."""

import asyncio
import math
import time

from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from serving.server.batch_scheduler import BatchScheduler
from serving.server.call import Call
from serving.server.catalogue import Catalogue
from serving.server.metrics import Metrics
from serving.server.request_error import as_request_error, invalid
from serving.tensors import write_answer


class Predictor:
    """Finds the model, checks the request, waits for its batch, and updates the metrics.

    Args:
        catalogue: The models.
        scheduler: Computes the batches.
        metrics: Metrics to update.
    """

    def __init__(self, catalogue: Catalogue, scheduler: BatchScheduler, metrics: Metrics):
        self._catalogue = catalogue
        self._scheduler = scheduler
        self._metrics = metrics

    async def predict(self, request: PredictRequest, entrypoint: str, timeout: float | None = None) -> PredictResponse:
        """Run one signature of one model on one batch.

        Args:
            request: The request.
            entrypoint: `GRPC` or `REST`, for the metrics.
            timeout: Seconds after which the caller no longer needs the answer.

        Raises:
            RequestError: For any error.
        """
        start = time.perf_counter()
        status = "OK"
        try:
            return await self._predict(request, timeout)
        except asyncio.CancelledError:
            status = "CANCELLED"
            raise
        except Exception as error:
            answer = as_request_error(error)
            status = answer.code.name
            raise answer from error
        finally:
            name = request.model_spec.name
            known = name if name in self._catalogue.models else ""
            self._metrics.answered(known, status, entrypoint, time.perf_counter() - start)

    async def _predict(self, request: PredictRequest, timeout: float | None) -> PredictResponse:
        deadline = math.inf if timeout is None else asyncio.get_running_loop().time() + timeout
        with self._catalogue.borrowed(request.model_spec) as servable:
            call = servable.call(request.model_spec.signature_name, request.inputs, request.output_filter)
            start = time.perf_counter()
            outputs = await self._scheduler.run(
                (servable, call.signature_name),
                lambda arrays: servable.run(call.signature_name, arrays),
                call.arrays,
                rows=_rows(call),
                deadline=deadline,
            )
            self._metrics.ran(servable.name, time.perf_counter() - start)
            response = PredictResponse()
            response.model_spec.name = servable.name
            response.model_spec.version.value = servable.version
            response.model_spec.signature_name = call.signature_name
            for name in call.wanted:
                write_answer(response.outputs[name], outputs[name])
            return response


def _rows(call: Call) -> int:
    if any(array.ndim == 0 for array in call.arrays.values()):
        raise invalid("Batching Run() input tensors must have at least one dimension")
    rows = {len(array) for array in call.arrays.values()}
    if len(rows) > 1:
        raise invalid("Batching Run() input tensors must have equal 0th-dimension size")
    return rows.pop()
