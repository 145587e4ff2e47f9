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


_NO_PROXIES = ("no_grpc_proxy", "no_proxy")
"""Variables with hosts that are reached without a proxy; gRPC reads the second where the first is not set."""

_SCHEMES = ("dns:///", "dns:", "ipv4:", "ipv6:")
"""What gRPC's names of hosts and addresses begin with."""


TLS, MUTUAL_TLS, HTTP = "TLS", "TLS with certificates of clients", "HTTP"
"""What may listen at an address."""


def host_and_port(server: str) -> tuple[str, int] | None:
    """The host and port of `host:port`, `[address]:port`, `dns:///host:port`, `ipv4:address:port` or
    `ipv6:[address]:port`; None for other names of gRPC.

    Args:
        server: Address of a server.
    """
    name = server
    for scheme in _SCHEMES:
        name = name.removeprefix(scheme)
    host, _, port = name.rpartition(":")
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
    if is_this_machine(server) or _excepted(server, environment):
        return ""
    return next((name for name in _PROXIES if environment.get(name)), "")


def _excepted(server: str, environment: Mapping[str, str]) -> bool:
    """Whether a variable excepts the host from the proxy: names by their ends, addresses also by their networks."""
    found = host_and_port(server)
    listed = next((environment[name] for name in _NO_PROXIES if environment.get(name)), "")
    entries = [entry.strip().lower() for entry in listed.split(",") if entry.strip()]
    return found is not None and any(_covers(entry, found[0].lower()) for entry in entries)


def _covers(entry: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return host.endswith(entry)


def what_listens(server: str) -> str:
    """What answers at an address that is no model server in the clear.

    Args:
        server: Address of a server.

    Returns:
        `TLS`, `MUTUAL_TLS` if it wants a certificate of the client, `HTTP`, or an empty string for nothing, or for what
        cannot be told.
    """
    found = host_and_port(server)
    if found is None:
        return ""
    context = ssl.create_default_context()
    # Only to see whether it is TLS; nothing is sent.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        with socket.create_connection(found, _SECONDS) as plain, context.wrap_socket(plain) as encrypted:
            # In TLS 1.3, a server finds a certificate missing only after the handshake. gRPC's then hangs up; otherwise
            # it speaks first (HTTP/2's SETTINGS).
            return TLS if encrypted.recv(1) else MUTUAL_TLS
    except ssl.SSLError as error:
        if any(words in str(error) for words in ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")):
            return MUTUAL_TLS
    except TimeoutError:
        return TLS
    except OSError:
        return ""
    try:
        with socket.create_connection(found, _SECONDS) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return HTTP if plain.recv(5) == b"HTTP/" else ""
    except OSError:
        return ""
