"""Read certificates from the `SSLConfig` text proto of TensorFlow Serving's `--ssl_config_file`."""

import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

import grpc

from data_pipeline.errors import UserError
from serving.model_repository.config_messages import read_text_proto


@dataclass(frozen=True)
class TlsSettings:
    """The server's certificate, and whether clients need one.

    Attributes:
        key: PEM text of the server's private key.
        certificate: PEM text of the server's certificate and any intermediate certificates.
        client_authority: PEM text of the authority that signs the clients' certificates; empty if clients need none.
    """

    key: str
    certificate: str
    client_authority: str = ""

    @classmethod
    def read(cls, path: Path) -> "TlsSettings":
        """Read an `SSLConfig` text proto.

        Raises:
            UserError: If the file cannot be read, a field is missing, or the key does not fit the certificate.
        """
        config = read_text_proto(path, "SSLConfig")
        for field in ("server_key", "server_cert"):
            if not getattr(config, field):
                raise UserError(f"{path} has no {field}: put the PEM text there, as deployment/tls/ssl-config.sh does")
        if config.client_verify and not config.custom_ca:
            raise UserError(
                f"{path} sets client_verify but has no custom_ca: add the authority that signs clients' certificates"
            )
        settings = cls(config.server_key, config.server_cert, config.custom_ca if config.client_verify else "")
        try:
            settings.for_http()
        except ssl.SSLError as error:
            raise UserError(f"the PEM texts in {path} cannot be used ({error}): write the file again") from error
        return settings

    def for_grpc(self) -> grpc.ServerCredentials:
        """Credentials for a port of a gRPC server."""
        return grpc.ssl_server_credentials(
            [(self.key.encode(), self.certificate.encode())],
            root_certificates=self.client_authority.encode() or None,
            require_client_auth=bool(self.client_authority),
        )

    def for_http(self) -> ssl.SSLContext:
        """TLS context for a port of an HTTP server.

        Raises:
            ssl.SSLError: If the texts are not PEM, or the key does not fit the certificate.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:  # ssl reads keys from files only; the folder is private
            chain = Path(folder) / "chain.pem"
            chain.write_text(f"{self.key}\n{self.certificate}\n", encoding="utf-8")
            context.load_cert_chain(chain)
        if self.client_authority:
            context.load_verify_locations(cadata=self.client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
        return context
