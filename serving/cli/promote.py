"""The commands `ser promote` and `ser rollback`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from data_pipeline.errors import UserError
from serving.cli import options


def promote(
    model: options.Model,
    version: Annotated[
        int | None, typer.Option(min=0, help="Number of the version to promote, instead of the canary.")
    ] = None,
    canary: Annotated[
        bool, typer.Option("--canary", help="Make --version the canary, and keep the stable version.")
    ] = False,
    server: options.Addresses = None,
    timeout: options.Timeout = 300.0,
    tls: options.Encrypt = False,
    ca: options.Ca = None,
    certificate: options.Certificate = None,
    key: options.Key = None,
    server_name: options.ServerName = None,
) -> None:
    """Move the label `stable` to the canary: from now on, calls that ask for `stable` get that version.

    The version that was stable before stays loaded with the label `previous`, so `ser rollback` takes no longer than a
    request. Labels are stored in MODELS/models.config, which is replaced atomically.

    Examples: `ser promote models/ser --server localhost:8500`, `ser promote models/ser --version 3 --canary`
    """
    from serving.promotion import version_labels

    if not canary:
        move = partial(version_labels.promote, version=version)
    elif version is not None:
        move = partial(version_labels.label_canary, version=version)
    else:
        raise UserError("--canary needs --version: name the version that is to become the canary")
    servers = options.servers_of(server, timeout, options.tls_of(tls, ca, certificate, key, server_name))
    servers.change_labels(model, move)
    _print_labels(model)


def rollback(
    model: options.Model,
    canary: Annotated[
        bool,
        typer.Option("--canary", help="Withdraw the canary only: calls that ask for it get the stable version."),
    ] = False,
    server: options.Addresses = None,
    timeout: options.Timeout = 300.0,
    tls: options.Encrypt = False,
    ca: options.Ca = None,
    certificate: options.Certificate = None,
    key: options.Key = None,
    server_name: options.ServerName = None,
) -> None:
    """Move the label `stable` back to the version that had it before the last `ser promote`.

    The version that is withdrawn loses its labels and is unloaded; its folder stays.

    Examples: `ser rollback models/ser --server localhost:8500`, `ser rollback models/ser --canary`
    """
    from serving.promotion import version_labels

    move = version_labels.withdraw_canary if canary else version_labels.roll_back
    servers = options.servers_of(server, timeout, options.tls_of(tls, ca, certificate, key, server_name))
    servers.change_labels(model, move)
    _print_labels(model)


def _print_labels(model: Path) -> None:
    from serving.promotion import version_labels

    labels = version_labels.read(model).labels
    typer.echo(f"{model}: " + ", ".join(f"{label} is version {number}" for label, number in sorted(labels.items())))
