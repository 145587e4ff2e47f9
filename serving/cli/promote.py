"""The commands `ser promote` and `ser rollback`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from data_pipeline.errors import UserError
from serving.cli import options


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
    from serving.promotion import version_labels

    if not canary:
        move = partial(version_labels.promote, version=version)
    elif version is not None:
        move = partial(version_labels.label_canary, version=version)
    else:
        raise UserError("--canary needs --version: say which version is to be the canary")
    options.followers(server, timeout, options.tls_of(tls, ca, certificate, key, server_name)).change(model, move)
    _say_labels(model)


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
    from serving.promotion import version_labels

    move = version_labels.withdraw_canary if canary else version_labels.roll_back
    options.followers(server, timeout, options.tls_of(tls, ca, certificate, key, server_name)).change(model, move)
    _say_labels(model)


def _say_labels(model: Path) -> None:
    from serving.promotion import version_labels

    labels = version_labels.read(model).labels
    typer.echo(f"{model}: " + ", ".join(f"{label} is version {number}" for label, number in sorted(labels.items())))
