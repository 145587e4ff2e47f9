"""Change version labels in `models.config`, and at once on running servers."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2, model_service_pb2_grpc
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from data_pipeline.errors import UserError
from serving.client.channel import Tls, check_address, open_channel
from serving.client.server_errors import RequestRefusedError, ServerError, server_error, timeout_error
from serving.model_repository import server_config
from serving.promotion import version_labels

_POLL_SECONDS = 0.1
"""Seconds between two questions whether a version has been loaded."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Servers of one model repository, whose labels are changed at once.

    Attributes:
        addresses: `host:port` of the gRPC port of each server. Servers that are not listed read the change from
            `models.config` when they poll it next.
        tls: Certificates for encrypted connections.
        timeout: Maximum number of seconds for each server to load new versions.
    """

    addresses: tuple[str, ...] = ()
    tls: Tls | None = None
    timeout: float = 300.0

    def change_labels(self, folder: Path, move: Callable[[Path], ModelServerConfig]) -> None:
        """Move labels in `models.config`, then on the servers.

        Args:
            folder: A model's folder in a repository.
            move: A function of `version_labels` that moves labels.

        Raises:
            UserError: If an address is none or the labels cannot be moved, in which case nothing has changed; or if
                servers cannot be reached, in which case the file and all other servers have changed.
        """
        for address in self.addresses:
            check_address(address)
        version_labels.read(folder)
        before = server_config.read_models_config(folder.parent)
        after = move(folder)

        def reload(address: str) -> ServerError | UserError | None:
            try:
                reload_config(address, before, after, folder.name, tls=self.tls, timeout=self.timeout)
            except (ServerError, UserError) as error:
                return error
            return None

        # At the same time: one that is silent would hold up the others for as long as the timeout.
        with ThreadPoolExecutor(max(len(self.addresses), 1)) as pool:
            results = list(pool.map(reload, self.addresses))
        failed = [(address, error) for address, error in zip(self.addresses, results, strict=True) if error]
        if failed:
            which = "; ".join(f"{address} is not ({error})" for address, error in failed)
            others = len(self.addresses) - len(failed)
            changed = f" and {others} server{'s' if others > 1 else ''} are" if others else " is"
            raise UserError(
                f"{folder.parent / server_config.MODELS}{changed} changed, but {which}: what is not changed follows "
                "when it reads the file next"
            )


def reload_config(
    server: str,
    before: ModelServerConfig,
    after: ModelServerConfig,
    name: str,
    *,
    tls: Tls | None = None,
    timeout: float = 300.0,
) -> None:
    """Switch a server from one configuration to another without failing calls.

    By default, TensorFlow Serving accepts a label only for a version that is loaded. The server is therefore configured
    twice: first with the versions of both configurations and the old labels, then, once all versions of the new
    configuration are loaded, with the new configuration.

    Args:
        server: `host:port` of the server's gRPC port. It must be the address of a single server, not a name that
            resolves to several.
        before: Configuration that the server has now.
        after: New configuration, which replaces the old one completely.
        name: Name of the model whose versions and labels change.
        tls: Certificates for an encrypted connection.
        timeout: Maximum number of seconds for the whole change.

    Raises:
        ServerError: A subclass that says what went wrong. The server then has the old or the new configuration.
    """
    deadline = time.monotonic() + timeout
    with open_channel(grpc, server, tls, attempts=1) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)

        def remaining() -> float:
            if time.monotonic() > deadline:
                raise timeout_error(server, timeout)
            return max(deadline - time.monotonic(), 0.001)

        def configure(config: ModelServerConfig) -> None:
            response = stub.HandleReloadConfigRequest(
                model_management_pb2.ReloadConfigRequest(config=config), timeout=remaining()
            )
            # TensorFlow Serving reports most failures in the response, not by the status of the call.
            if response.status.error_code:
                raise RequestRefusedError(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"{server} refused the new configuration ({response.status.error_message}): make sure that it has "
                    "the same model repository",
                )

        try:
            configure(_with_versions_of_both(before, after, name))
            for version in _versions(_model(after, name)):
                while not _loaded(stub, server, name, version, remaining()):
                    time.sleep(_POLL_SECONDS)
            configure(after)
        except grpc.RpcError as error:
            raise server_error(error, server, name, timeout, tls is not None) from error


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
    """The version numbers that the policy of a model lists; empty for other policies."""
    policy = model.model_version_policy
    return list(policy.specific.versions) if policy.WhichOneof("policy_choice") == "specific" else []


def _loaded(
    stub: model_service_pb2_grpc.ModelServiceStub, server: str, name: str, version: int, timeout: float
) -> bool:
    """Whether a version is available.

    Raises:
        RequestRefusedError: If the version failed to load.
    """
    request = get_model_status_pb2.GetModelStatusRequest(model_spec=ModelSpec(name=name))
    request.model_spec.version.value = version
    try:
        (status,) = stub.GetModelStatus(request, timeout=timeout).model_version_status
    except grpc.RpcError as error:
        # The server does not know the version yet.
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return False
        raise
    if status.status.error_code:
        raise RequestRefusedError(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"{server} cannot load version {version} of {name} ({status.status.error_message})",
        )
    return status.state == ModelVersionStatus.AVAILABLE
