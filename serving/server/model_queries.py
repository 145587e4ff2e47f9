"""Requests about models: their status and their signatures."""

from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from serving.server.catalogue import Catalogue, ServedVersion
from serving.server.request_error import invalid

SIGNATURES = "signature_def"
"""The only metadata field that TensorFlow Serving supports."""

_UNKNOWN = 2
"""TensorFlow's code for an unspecified error, used for versions that failed to load."""


def model_status(
    catalogue: Catalogue, request: get_model_status_pb2.GetModelStatusRequest
) -> get_model_status_pb2.GetModelStatusResponse:
    """The states of the versions of a model.

    Raises:
        RequestError: If the model or version is unknown.
    """
    _require_model_spec(request)
    response = get_model_status_pb2.GetModelStatusResponse()
    for version in catalogue.statuses(request.model_spec):
        _add(response, version)
    return response


def model_metadata(
    catalogue: Catalogue, request: get_model_metadata_pb2.GetModelMetadataRequest
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """The signatures of a model: names, dtypes and shapes of inputs and outputs.

    Raises:
        RequestError: If the request asks for other metadata, or the model is not loaded.
    """
    _require_model_spec(request)
    if not request.metadata_field:
        raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
    for field in request.metadata_field:
        if field != SIGNATURES:
            raise invalid(f"Metadata field {field} is not supported; the supported field is {SIGNATURES}")
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    with catalogue.borrowed(request.model_spec) as servable:
        response.model_spec.name = servable.name
        response.model_spec.version.value = servable.version
        signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signatures)
    response.metadata[SIGNATURES].Pack(signatures)
    return response


def _add(response: get_model_status_pb2.GetModelStatusResponse, version: ServedVersion) -> None:
    entry = response.model_version_status.add(version=version.number, state=version.state)
    entry.status.SetInParent()
    if version.error:
        entry.status.error_code = _UNKNOWN
        entry.status.error_message = version.error


def _require_model_spec(request) -> None:
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
