"""With which certificates a client trusts a server, and is trusted."""

from dataclasses import dataclass
from pathlib import Path

import grpc

from data_pipeline.errors import UserError


@dataclass(frozen=True, slots=True)
class Tls:
    """An encrypted connection.

    Attributes:
        root_certificates: PEM of the authorities that may vouch for the server; None are those that gRPC brings.
        certificate_chain: PEM of the client's own certificate, where the server asks for one (mutual TLS).
        private_key: PEM of its key.
        server_name: The name in the server's certificate, where it is asked by another.
    """

    root_certificates: bytes | None = None
    certificate_chain: bytes | None = None
    private_key: bytes | None = None
    server_name: str | None = None

    def __post_init__(self):
        if (self.certificate_chain is None) != (self.private_key is None):
            raise ValueError("certificate_chain and private_key go together. Received: only one of them")

    @classmethod
    def from_files(
        cls,
        root_certificates: Path | None = None,
        certificate_chain: Path | None = None,
        private_key: Path | None = None,
        server_name: str | None = None,
    ) -> "Tls":
        """Read the PEM files.

        Raises:
            UserError: If one cannot be read or is no PEM file, or of certificate and key only one is given.
        """
        if (certificate_chain is None) != (private_key is None):
            raise UserError("a client's certificate and its key go together: give both files, or neither")
        return cls(_pem(root_certificates), _pem(certificate_chain), _pem(private_key), server_name)

    def credentials(self) -> grpc.ChannelCredentials:
        """What gRPC makes of them."""
        return grpc.ssl_channel_credentials(self.root_certificates, self.private_key, self.certificate_chain)


def _pem(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): name a PEM file") from error
    if b"-----BEGIN " not in content:
        raise UserError(f"{path} is not a PEM file (it has no line -----BEGIN …): convert it with openssl")
    return content
