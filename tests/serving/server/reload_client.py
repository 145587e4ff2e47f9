"""A client with plain stubs for a server that reloads, and short notation for configurations."""

import grpc
import numpy as np
from google.protobuf import text_format
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from serving.tensors import to_array
from tests.serving.predict_request import predict_request
from tests.voice import voices


def entry(versions: str, labels: str = "", name: str = "ser") -> str:
    """A model of a configuration: `versions` is `1 2`, `labels` is `stable=1 canary=2`."""
    specific = " ".join(f"versions: {version}" for version in versions.split())
    pairs = [pair.split("=") for pair in labels.split()]
    labelled = " ".join(f'version_labels {{ key: "{label}" value: {version} }}' for label, version in pairs)
    return (
        f'config {{ name: "{name}" base_path: "/models/{name}" model_platform: "tensorflow" '
        f"model_version_policy {{ specific {{ {specific} }} }} {labelled} }}"
    )


class ReloadClient:
    """Calls a server to find which version answers, which versions are loaded, and to load others."""

    def __init__(self, channel: grpc.Channel):
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)

    def version(self, *, name: str = "ser", label: str = "", samples: int = 1_600) -> int:
        """Number of the version that answers."""
        clip = {"waveform": voices(1, samples), "num_samples": np.array([samples], np.int32)}
        request = predict_request(clip, model=name, label=label)
        response = self._predictions.Predict(request, timeout=60)
        assert to_array(response.outputs["status"]).tolist() == [0]
        return response.model_spec.version.value

    def states(self, name: str = "ser") -> dict[int, int]:
        """The state of every version."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = name
        response = self._models.GetModelStatus(request, timeout=60)
        return {status.version: status.state for status in response.model_version_status}

    def status(self, version: int) -> ModelVersionStatus:
        """The status of one version of `ser`."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "ser"
        request.model_spec.version.value = version
        return self._models.GetModelStatus(request, timeout=60).model_version_status[0]

    def reload(self, *entries: str) -> None:
        """Reconfigure the server with these entries; returns when they are loaded."""
        request = model_management_pb2.ReloadConfigRequest()
        text_format.Parse(f"model_config_list {{ {' '.join(entries)} }}", request.config)
        assert self._models.HandleReloadConfigRequest(request, timeout=120).status.error_code == 0
