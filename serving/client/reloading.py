"""Having a server serve what `models.config` says, at once instead of when it looks next."""

import time

import grpc
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2, model_service_pb2_grpc
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from serving.client.channel import open_channel
from serving.client.server_errors import RequestRefusedError, explained, out_of_time
from serving.client.tls import Tls

_POLL_SECONDS = 0.1
"""Between two looks at a version that is being loaded."""


def reload(
    server: str,
    before: ModelServerConfig,
    after: ModelServerConfig,
    name: str,
    *,
    tls: Tls | None = None,
    timeout: float = 300.0,
) -> None:
    """Have a server go from one configuration to another without a call that fails.

    A label may be given only to a version that is loaded (TensorFlow Serving refuses others unless told otherwise), so
    that the server is asked twice: first for the versions of both configurations with the labels as they were, then,
    once all versions of the second are loaded, for the second.

    Args:
        server: `host:port` of the server's gRPC; of one server, not of a name behind which there are several.
        before: What it serves.
        after: What it is to serve; it takes the place of everything.
        name: Of the model whose versions and labels change.
        tls: Certificates for an encrypted connection.
        timeout: Seconds for all of it.

    Raises:
        ServerError: One of its subclasses says what went wrong; the server then serves the one or the other.
    """
    deadline = time.monotonic() + timeout
    with open_channel(grpc, server, tls, attempts=1) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)

        def remaining() -> float:
            if time.monotonic() > deadline:
                raise out_of_time(server, timeout)
            return max(deadline - time.monotonic(), 0.001)

        def ask(config: ModelServerConfig) -> None:
            response = stub.HandleReloadConfigRequest(
                model_management_pb2.ReloadConfigRequest(config=config), timeout=remaining()
            )
            # TensorFlow Serving tells of most failures in the answer, not by the call's status.
            if response.status.error_code:
                raise RequestRefusedError(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"{server} does not take the new configuration ({response.status.error_message}): see that it "
                    "has the same model repository",
                )

        try:
            ask(_with_versions_of_both(before, after, name))
            for version in _versions(_model(after, name)):
                while not _loaded(stub, server, name, version, remaining()):
                    time.sleep(_POLL_SECONDS)
            ask(after)
        except grpc.RpcError as error:
            raise explained(error, server, name, timeout, tls is not None) from error


def _with_versions_of_both(before: ModelServerConfig, after: ModelServerConfig, name: str) -> ModelServerConfig:
    both = ModelServerConfig()
    both.CopyFrom(after)
    model, old = _model(both, name), _model(before, name)
    model.version_labels.clear()
    model.version_labels.update(old.version_labels)
    if _versions(model):
        model.model_version_policy.specific.versions[:] = sorted({*_versions(model), *_versions(old)})
    return both


def _model(config: ModelServerConfig, name: str) -> ModelConfig:
    return next(model for model in config.model_config_list.config if model.name == name)


def _versions(model: ModelConfig) -> list[int]:
    """Those that are asked for by their numbers."""
    policy = model.model_version_policy
    return list(policy.specific.versions) if policy.WhichOneof("policy_choice") == "specific" else []


def _loaded(
    stub: model_service_pb2_grpc.ModelServiceStub, server: str, name: str, version: int, timeout: float
) -> bool:
    """Whether a version can be asked.

    Raises:
        RequestRefusedError: If it has failed to load.
    """
    request = get_model_status_pb2.GetModelStatusRequest(model_spec=ModelSpec(name=name))
    request.model_spec.version.value = version
    try:
        (status,) = stub.GetModelStatus(request, timeout=timeout).model_version_status
    except grpc.RpcError as error:
        # It has not been heard of yet.
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return False
        raise
    if status.status.error_code:
        raise RequestRefusedError(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"{server} cannot load version {version} of {name} ({status.status.error_message})",
        )
    return status.state == ModelVersionStatus.AVAILABLE
