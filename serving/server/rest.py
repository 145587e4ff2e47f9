"""TensorFlow Serving's REST API and the metrics page for Prometheus.

Paths are those of tensorflow_serving/model_servers/http_rest_api_util.cc, status codes those of http_server.cc.
"""

import asyncio
import json
import logging
import re
import zlib

import grpc
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from google.protobuf import json_format
from prometheus_client import CONTENT_TYPE_LATEST
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from serving.server.catalogue import Catalogue
from serving.server.metrics import Metrics
from serving.server.model_queries import SIGNATURES, model_metadata, model_status
from serving.server.predictor import Predictor
from serving.server.request_error import RequestError, as_request_error, deadline_exceeded, invalid
from serving.server.rest_json import fill_request, response_json
from serving.tensors import MAX_MESSAGE_BYTES

_TIMEOUT = 30.0
"""Maximum number of seconds for a request: the default of TensorFlow Serving's `--rest_api_timeout_in_ms`."""

_WHICH = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICT = re.compile(rf"/v1/models/(?P<name>[^/:]+){_WHICH}:(?P<method>classify|regress|predict)", re.I)
_MODEL = re.compile(rf"/v1/models/(?P<name>[^/:]+){_WHICH}(?P<metadata>/metadata)?", re.I)

_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""zlib's argument for each encoding of a body."""

_STATUS = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
"""HTTP status codes by gRPC status; 500 for all others."""


class RestApi:
    """The REST API.

    Args:
        catalogue: The models.
        predictor: Answers Predict requests.
        metrics: Metrics for Prometheus.
        metrics_path: Path of the metrics page; `None` for no page.
    """

    def __init__(self, catalogue: Catalogue, predictor: Predictor, metrics: Metrics, metrics_path: str | None):
        self._catalogue = catalogue
        self._predictor = predictor
        self._metrics = metrics
        self._metrics_path = metrics_path

    def application(self) -> web.Application:
        """The application for an `aiohttp` server."""
        application = web.Application(client_max_size=MAX_MESSAGE_BYTES)
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.Response:
        if request.path == self._metrics_path:
            return web.Response(body=self._metrics.page(), headers={"Content-Type": CONTENT_TYPE_LATEST})
        if not request.path.lower().startswith("/v1/"):
            raise web.HTTPNotFound
        try:
            return _json_response(await self._api(request))
        except web.HTTPException:
            raise
        except Exception as error:
            answer = as_request_error(error)
            return _json_response(json.dumps({"error": answer.sentence}), _STATUS.get(answer.code, 500))

    async def _api(self, request: web.Request) -> str:
        if request.method == "POST" and (found := _PREDICT.fullmatch(request.path)):
            if found["method"].lower() != "predict":
                raise RequestError(grpc.StatusCode.UNIMPLEMENTED, "The local server answers predict only.")
            body = await request.read()
            # In a thread, because megabytes take a while.
            body = await asyncio.to_thread(unpacked, body, request.headers.get("Content-Encoding", ""))
            return await self._predict(_spec(found), body)
        if request.method == "GET" and (found := _MODEL.fullmatch(request.path)):
            return self._metadata(found) if found["metadata"] else self._status(found)
        raise invalid(f"Malformed request: {request.method} {request.path}")

    async def _predict(self, spec: ModelSpec, body: bytes) -> str:
        request = PredictRequest(model_spec=spec)
        try:
            async with asyncio.timeout(_TIMEOUT):
                with self._catalogue.borrowed(spec) as servable:
                    # In a thread, because a minute of audio is a million numbers to parse.
                    layout = await asyncio.to_thread(fill_request, body, request, servable.signature)
                response = await self._predictor.predict(request, "REST", _TIMEOUT)
        except TimeoutError as error:
            raise deadline_exceeded(f"no answer within {_TIMEOUT:g} s") from error
        return response_json(response, layout)

    def _status(self, found: re.Match) -> str:
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=_spec(found))
        return json_format.MessageToJson(
            model_status(self._catalogue, request),
            always_print_fields_with_no_presence=True,
            preserving_proto_field_name=True,
        )

    def _metadata(self, found: re.Match) -> str:
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=_spec(found), metadata_field=[SIGNATURES]
        )  # fmt: skip
        response = model_metadata(self._catalogue, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata[SIGNATURES].Unpack(signatures)
        parts = [
            json_format.MessageToDict(
                message, always_print_fields_with_no_presence=True, preserving_proto_field_name=True
            )
            for message in (response.model_spec, signatures)
        ]  # fmt: skip
        return json.dumps({"model_spec": parts[0], "metadata": {SIGNATURES: parts[1]}})


class NoHttp(logging.Filter):
    """Makes one line of the traceback that aiohttp logs when something else than HTTP/1.1 comes to the REST port."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record of such an error; let all pass."""
        if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
            words = str(record.exc_info[1].message).split()
            first = f" ({' '.join(words[:4])})" if words else ""
            record.msg = (
                f"the REST port was sent something else than HTTP/1.1{first}: a gRPC client has to call the gRPC port"
            )
            record.args, record.exc_info, record.exc_text = (), None, None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def unpacked(body: bytes, encoding: str, most: int = MAX_MESSAGE_BYTES) -> bytes:
    """The body of a request without its compression.

    aiohttp would unpack a body of any size before it looks at the limit: 300 kB of zeros become 300 MB.

    Args:
        body: The body as it was sent.
        encoding: Its `Content-Encoding`; empty for none.
        most: Maximum number of bytes of the result.

    Raises:
        HTTPRequestEntityTooLarge: If it would be larger.
        RequestError: If the encoding is not supported, or the body is not in it.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in _WINDOW_BITS:
        raise invalid(f"Content-Encoding {encoding} is not supported: send gzip, deflate or none")
    parts: list[bytes] = []
    size, rest = 0, body
    # A gzip file may consist of several members, one after the other (RFC 1952, section 2.2).
    while rest or not parts:
        unpacker = zlib.decompressobj(_WINDOW_BITS[encoding])
        try:
            parts.append(unpacker.decompress(rest, most + 1 - size))
        except zlib.error as error:
            raise invalid(f"the body is not {encoding} ({error})") from error
        size += len(parts[-1])
        if size > most:
            # The error's traceback would keep them for as long as the error is kept.
            del parts, unpacker, rest
            raise web.HTTPRequestEntityTooLarge(most, size)
        if not unpacker.eof:
            raise invalid(f"the body is not whole {encoding}: it was cut off")
        rest = unpacker.unused_data
        if rest and encoding != "gzip":
            raise invalid(f"the body has {len(rest):,} bytes after the end of its {encoding}: send nothing after it")
    return b"".join(parts)


def _spec(found: re.Match) -> ModelSpec:
    spec = ModelSpec(name=found["name"])
    if found["version"]:
        if int(found["version"]) >= 2**63:
            raise invalid(f"Failed to convert version: {found['version'][:40]} to numeric.")
        spec.version.value = int(found["version"])
    if found["label"]:
        spec.version_label = found["label"]
    return spec


def _json_response(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/json")
