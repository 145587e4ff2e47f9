"""The connection to a model server: TLS, message limits, load balancing and retries."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc

from data_pipeline.errors import UserError
from serving.client.diagnosis import is_this_machine
from serving.tensors import MAX_MESSAGE_BYTES

MAX_ATTEMPTS = 5
"""gRPC's own limit; it ignores larger numbers."""

_WEB = ("http", "https", "grpc", "grpcs", "tcp")
"""Schemes that gRPC does not know; it would look for a host of this name."""

_PATH = re.compile(r"[^/:]+:\d+/.*")
"""An address of the web without its scheme, which gRPC would take for a name to look up."""

_SERVICES = ("tensorflow.serving.PredictionService", "tensorflow.serving.ModelService")


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificates of an encrypted connection.

    Attributes:
        root_certificates: PEM text of the authorities that may sign the server's certificate; None for those of gRPC.
        certificate_chain: PEM text of the client's certificate, if the server requires one (mutual TLS).
        private_key: PEM text of the private key of the client's certificate.
        server_name: Name in the server's certificate, if it differs from the host name.
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
            UserError: If a file cannot be read or is not a PEM file, or only one of certificate and key is given.
        """
        if (certificate_chain is None) != (private_key is None):
            raise UserError("a client's certificate and its key go together: give both files, or neither")
        return cls(_pem(root_certificates), _pem(certificate_chain), _pem(private_key), server_name)

    def credentials(self) -> grpc.ChannelCredentials:
        """The credentials for gRPC."""
        return grpc.ssl_channel_credentials(self.root_certificates, self.private_key, self.certificate_chain)


def check_address(server: str) -> None:
    """Check the address of a server as a user gives it.

    Raises:
        UserError: If it has a scheme or a path of the web.
    """
    if (scheme := server.partition("://")[0].lower()) in _WEB:
        raise UserError(
            f"{server} begins with {scheme}://: give HOST:PORT of the server's gRPC port, such as host:8500"
        )
    if _PATH.fullmatch(server):
        raise UserError(f"{server} has a path, as a REST call does: give HOST:PORT of the server's gRPC port")


def open_channel(library: ModuleType, server: str, tls: Tls | None, attempts: int) -> Any:
    """Open a connection. Nothing is sent yet.

    Args:
        library: `grpc` or `grpc.aio`, which have the same functions.
        server: `host:port`, or any other name that gRPC resolves (`dns:///headless-service:8500`). Calls go to all of
            its addresses in turn.
        tls: Certificates, or None for an unencrypted connection.
        attempts: Maximum number of attempts of a call that fails with UNAVAILABLE, from 1 to `MAX_ATTEMPTS`.

    Returns:
        The channel of that library.

    Raises:
        UserError: If the address has a scheme or a path of the web.
    """
    check_address(server)
    options: list[tuple[str, Any]] = [
        # Find a server that is starting within a second. By default, gRPC waits up to two minutes between attempts.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        # A call can be repeated only if it fits into this buffer, whose default of 256 KiB holds 4 s of audio.
        ("grpc.per_rpc_retry_buffer_size", MAX_MESSAGE_BYTES),
        ("grpc.service_config", json.dumps(_service_config(attempts))),
    ]
    if is_this_machine(server):
        options.append(("grpc.enable_http_proxy", 0))
    if tls is None:
        return library.insecure_channel(server, options=options)
    if tls.server_name:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    return library.secure_channel(server, tls.credentials(), options=options)


def _service_config(attempts: int) -> dict:
    """The configuration of gRPC's load balancing and retries.

    See https://github.com/grpc/grpc/blob/master/doc/service_config.md. gRPC varies each wait by up to 20 % at random,
    so that clients do not repeat their calls all at once (gRFC A6).
    """
    config: dict = {"loadBalancingConfig": [{"round_robin": {}}]}
    if attempts > 1:
        policy = {
            "maxAttempts": attempts,
            "initialBackoff": "0.2s",
            "backoffMultiplier": 2,
            "maxBackoff": "2s",
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
        config["methodConfig"] = [{"name": [{"service": service} for service in _SERVICES], "retryPolicy": policy}]
    return config


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
