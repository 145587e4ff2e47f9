"""The commands `ser promote` and `ser rollback`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_pipeline.errors import UserError
from serving.cli import options

if TYPE_CHECKING:
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

    from serving.client.tls import Tls


def promote(
    model: options.Model,
    version: Annotated[int | None, typer.Option(min=0, help="The version to take, instead of the canary.")] = None,
    canary: Annotated[
        bool, typer.Option("--canary", help="Make --version the canary, and leave the stable version alone.")
    ] = False,
    server: options.Servers = None,
    timeout: options.Timeout = 300.0,
    tls: options.Encrypt = False,
    ca: options.Ca = None,
    certificate: options.Certificate = None,
    key: options.Key = None,
    server_name: options.ServerName = None,
) -> None:
    """Move the label `stable` to the canary: all who ask for `stable` get that version from now on.

    The version that was stable stays loaded, labelled `previous`, so that `ser rollback` takes no longer than a
    request. Labels stand in MODELS/models.config, which is replaced whole or not at all.

    Examples: `ser promote models/ser --server localhost:8500`, `ser promote models/ser --version 3 --canary`
    """
    from serving import version_labels

    if not canary:
        change = partial(version_labels.promote, version=version)
    elif version is not None:
        change = partial(version_labels.label_canary, version=version)
    else:
        raise UserError("--canary needs --version: say which version is to be the canary")
    move_labels(model, change, server or [], timeout, options.tls_of(tls, ca, certificate, key, server_name))


def rollback(
    model: options.Model,
    canary: Annotated[
        bool, typer.Option("--canary", help="Withdraw the canary only: who asks for it gets the stable version.")
    ] = False,
    server: options.Servers = None,
    timeout: options.Timeout = 300.0,
    tls: options.Encrypt = False,
    ca: options.Ca = None,
    certificate: options.Certificate = None,
    key: options.Key = None,
    server_name: options.ServerName = None,
) -> None:
    """Move the label `stable` back to the version that had it before the last `ser promote`.

    The version that is taken back loses its labels and is unloaded; its folder stays.

    Examples: `ser rollback models/ser --server localhost:8500`, `ser rollback models/ser --canary`
    """
    from serving import version_labels

    change = version_labels.withdraw_canary if canary else version_labels.roll_back
    move_labels(model, change, server or [], timeout, options.tls_of(tls, ca, certificate, key, server_name))


def move_labels(
    model: Path,
    change: "Callable[[Path], ModelServerConfig]",
    servers: list[str],
    timeout: float,
    tls: "Tls | None",
) -> None:
    """Change labels in `models.config`, tell the servers, and say what is labelled how now.

    Args:
        model: A model's folder in a repository.
        change: Of `serving.version_labels`.
        servers: `host:port` of each.
        timeout: Seconds for each.
        tls: Certificates for encrypted connections.

    Raises:
        UserError: If a label cannot be moved so; then nothing has changed. If a server cannot be told, the file has.
    """
    from serving import server_config, version_labels
    from serving.client.reloading import reload
    from serving.client.server_errors import ServerError

    version_labels.read(model)
    before = server_config.read_config(model.parent)
    after = change(model)
    for address in servers:
        try:
            reload(address, before, after, model.name, tls=tls, timeout=timeout)
        except ServerError as error:
            raise UserError(
                f"{model.parent / server_config.MODELS} is changed, but {address} was not told ({error}): it follows "
                "when it reads the file next"
            ) from error
    labels = version_labels.read(model).labels
    typer.echo(f"{model}: " + ", ".join(f"{label} is version {number}" for label, number in sorted(labels.items())))
