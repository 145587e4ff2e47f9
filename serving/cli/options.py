"""Options that are shared by the commands that call servers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from serving.client.channel import Tls
    from serving.promotion.servers import Servers

Model = Annotated[
    Path, typer.Argument(metavar="MODELS/NAME", help="A model's folder in a model repository (`ser export`).")
]
Addresses = Annotated[
    list[str] | None,
    typer.Option(
        "--server",
        help="HOST:PORT of a server that is to change its labels at once; repeat the option for several servers. "
        "Servers that are not named find the change in models.config when they poll it next.",
    ),
]
Timeout = Annotated[float, typer.Option(min=0.001, help="Maximum number of seconds for a server to load versions.")]

Encrypt = Annotated[bool, typer.Option("--tls", help="Encrypt the connection; implied by the next four options.")]
Ca = Annotated[
    Path | None,
    typer.Option(help="PEM file of the authority that signed the server's certificate. [default: those of gRPC]"),
]
Certificate = Annotated[
    Path | None, typer.Option(help="PEM file of the client's certificate, if the server requires one (mutual TLS).")
]
Key = Annotated[Path | None, typer.Option(help="PEM file of the private key of the client's certificate.")]
ServerName = Annotated[
    str | None, typer.Option(help="Name in the server's certificate, if it differs from the host in --server.")
]


def tls_of(
    encrypt: bool, ca: Path | None, certificate: Path | None, key: Path | None, server_name: str | None
) -> "Tls | None":
    """The certificates that the options name; None for an unencrypted connection.

    Raises:
        UserError: If a file cannot be read or is not a PEM file.
    """
    if not encrypt and not any((ca, certificate, key, server_name)):
        return None
    from serving.client.channel import Tls

    return Tls.from_files(ca, certificate, key, server_name)


def servers_of(addresses: list[str] | None, timeout: float, tls: "Tls | None") -> "Servers":
    """The servers that the options name."""
    from serving.promotion.servers import Servers

    return Servers(tuple(addresses or ()), tls, timeout)
