"""TensorFlow Serving's gRPC services, answered from a catalogue of loaded models."""

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.server.catalogue import Catalogue
from serving.server.refusal import Refusal, invalid, refusals_as_status
from serving.server.servable import DEFAULT_SIGNATURE
from serving.tensors import to_proto

_SIGNATURES = "signature_def"
"""The one metadata field that TensorFlow Serving knows."""


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """`tensorflow.serving.PredictionService`: Predict and GetModelMetadata.

    Args:
        catalogue: The models to answer with.
    """

    def __init__(self, catalogue: Catalogue):
        self._catalogue = catalogue

    def Predict(self, request, context):
        """Run one signature of one model on one batch."""
        with refusals_as_status(context):
            servable = self._catalogue.find(request.model_spec)
            signature_name = request.model_spec.signature_name or DEFAULT_SIGNATURE
            outputs = servable.predict(signature_name, request.inputs, request.output_filter)
            response = predict_pb2.PredictResponse()
            response.model_spec.name = servable.name
            response.model_spec.version.value = servable.version
            response.model_spec.signature_name = signature_name
            for name, array in outputs.items():
                response.outputs[name].CopyFrom(to_proto(array))
            return response

    def GetModelMetadata(self, request, context):
        """Tell a model's signatures: names, dtypes and shapes of inputs and outputs."""
        with refusals_as_status(context):
            _require_model_spec(request)
            if not request.metadata_field:
                raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
            for field in request.metadata_field:
                if field != _SIGNATURES:
                    raise invalid(f"Metadata field {field} is not supported; ask for {_SIGNATURES}")
            servable = self._catalogue.find(request.model_spec)
            signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signatures)
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.model_spec.name = servable.name
            response.model_spec.version.value = servable.version
            response.metadata[_SIGNATURES].Pack(signatures)
            return response

    def Classify(self, _request, context):
        """Not here: the models have no signature for tf.Example."""
        _unimplemented(context)

    def Regress(self, _request, context):
        """Not here: the models have no signature for tf.Example."""
        _unimplemented(context)

    def MultiInference(self, _request, context):
        """Not here: the models have no signature for tf.Example."""
        _unimplemented(context)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """`tensorflow.serving.ModelService`: GetModelStatus.

    Args:
        catalogue: The models to tell of.
    """

    def __init__(self, catalogue: Catalogue):
        self._catalogue = catalogue

    def GetModelStatus(self, request, context):
        """Tell which versions of a model are loaded."""
        with refusals_as_status(context):
            _require_model_spec(request)
            response = get_model_status_pb2.GetModelStatusResponse()
            for version in self._catalogue.versions(request.model_spec):
                response.model_version_status.add(
                    version=version, state=get_model_status_pb2.ModelVersionStatus.AVAILABLE
                ).status.SetInParent()
            return response

    def HandleReloadConfigRequest(self, _request, context):
        """Not here: this server reads its models once, at start."""
        _unimplemented(context)


def _require_model_spec(request) -> None:
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")


def _unimplemented(context: grpc.ServicerContext) -> None:
    sentence = "The local server answers Predict, GetModelMetadata and GetModelStatus only."
    with refusals_as_status(context):
        raise Refusal(grpc.StatusCode.UNIMPLEMENTED, sentence)
