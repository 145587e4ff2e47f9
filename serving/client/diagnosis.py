"""Why no model server answers at an address: what listens there instead, or what stands between."""

import ipaddress
import os
import socket
import ssl
from collections.abc import Mapping

_SECONDS = 1.0
"""Maximum number of seconds for one look at what listens."""

_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
"""Environment variables by which gRPC finds a proxy, in its order (doc/environment_variables.md in its repository)."""


def host_and_port(server: str) -> tuple[str, int] | None:
    """The host and port of `host:port`, `[address]:port` or `dns:///host:port`; None for other names of gRPC.

    Args:
        server: Address of a server.
    """
    host, _, port = server.removeprefix("dns:///").removeprefix("dns:").rpartition(":")
    return (host.strip("[]"), int(port)) if host and "/" not in host and port.isdigit() else None


def is_this_machine(server: str) -> bool:
    """Whether an address leads back to this machine, so that no proxy can stand between.

    Args:
        server: Address of a server.
    """
    found = host_and_port(server)
    if found is None:
        return server.startswith("unix:")
    try:
        return ipaddress.ip_address(found[0]).is_loopback
    except ValueError:
        return found[0].lower() == "localhost" or found[0].lower().endswith(".localhost")


def proxy_in_the_way(server: str, environment: Mapping[str, str] = os.environ) -> str:
    """Name of the environment variable by which gRPC sends calls through a proxy; empty if there is none.

    Args:
        server: Address of a server.
        environment: The environment.
    """
    if is_this_machine(server):
        return ""
    return next((name for name in _PROXIES if environment.get(name)), "")


def what_listens(server: str) -> str:
    """What answers at an address that is no model server in the clear.

    Args:
        server: Address of a server.

    Returns:
        `TLS`, `HTTP`, or an empty string for nothing, or for what cannot be told.
    """
    found = host_and_port(server)
    if found is None:
        return ""
    context = ssl.create_default_context()
    # Only to see whether it is TLS; nothing is sent.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(found, _SECONDS) as plain, context.wrap_socket(plain):
            return "TLS"
    except ssl.SSLError as error:
        # A server that wants a client's certificate refuses late: by then it has spoken TLS.
        if "CERTIFICATE_REQUIRED" in str(error) or "HANDSHAKE_FAILURE" in str(error):
            return "TLS"
    except OSError:
        return ""
    try:
        with socket.create_connection(found, _SECONDS) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return "HTTP" if plain.recv(5) == b"HTTP/" else ""
    except OSError:
        return ""
