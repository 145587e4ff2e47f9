"""Options that commands share which ask servers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from serving.client.tls import Tls
    from serving.promotion.followers import Followers

Model = Annotated[
    Path, typer.Argument(metavar="MODELS/NAME", help="A model's folder in a model repository (`ser export`).")
]
Servers = Annotated[
    list[str] | None,
    typer.Option(
        "--server",
        help="HOST:PORT of a server to tell at once; give it once for each. Without it, servers find the change in "
        "models.config when they look next.",
    ),
]
Timeout = Annotated[float, typer.Option(min=0.001, help="Seconds for a server to load versions.")]

Encrypt = Annotated[bool, typer.Option("--tls", help="Encrypt the connection; implied by the next four.")]
Ca = Annotated[
    Path | None, typer.Option(help="PEM of the authority that vouches for the server. [default: the usual ones]")
]
Certificate = Annotated[
    Path | None, typer.Option(help="PEM of our own certificate, where the server asks for one (mutual TLS).")
]
Key = Annotated[Path | None, typer.Option(help="PEM of that certificate's key.")]
ServerName = Annotated[
    str | None, typer.Option(help="Name in the server's certificate, where it is not that of --server.")
]


def tls_of(
    encrypt: bool, ca: Path | None, certificate: Path | None, key: Path | None, server_name: str | None
) -> "Tls | None":
    """What the options say of encryption; None where there is to be none.

    Raises:
        UserError: If a file cannot be read or is no PEM file.
    """
    if not encrypt and not any((ca, certificate, key, server_name)):
        return None
    from serving.client.tls import Tls

    return Tls.from_files(ca, certificate, key, server_name)


def followers(servers: list[str] | None, timeout: float, tls: "Tls | None") -> "Followers":
    """The servers that are to be told of a change."""
    from serving.promotion.followers import Followers

    return Followers(tuple(servers or ()), tls, timeout)
