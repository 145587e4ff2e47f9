"""Exceptions for calls to a server that failed."""

import grpc

from serving.client.diagnosis import HTTP, MUTUAL_TLS, TLS, proxy_in_the_way, what_listens
from serving.errors import RecognitionError

_QUEUE_IS_FULL = "batch scheduling queue"
"""Part of TensorFlow Serving's message if its queue is full, which it reports as UNAVAILABLE
(basic_batch_scheduler.h)."""

_OTHER_NAME = ("Hostname Verification Check failed", "is not in peer certificate", "HOSTNAME_MISMATCH")
"""Parts of gRPC's messages if the server's certificate is for another name."""


class ServerError(RecognitionError):
    """A call failed.

    Attributes:
        code: The gRPC status of the call.
    """

    def __init__(self, code: grpc.StatusCode, sentence: str):
        super().__init__(sentence)
        self.code = code


class ServerUnavailableError(ServerError):
    """No server is available at the address."""

    concerns_all = True


class ModelNotFoundError(ServerError):
    """The server does not have the model or version."""

    concerns_all = True


class ServerTimeoutError(ServerError):
    """The answer did not come in time."""


class ServerBusyError(ServerError):
    """The server has more calls than it can handle, and refuses some."""


class RequestRefusedError(ServerError):
    """The server refuses this request."""


def server_error(error: grpc.RpcError, server: str, model: str, timeout: float, encrypted: bool) -> ServerError:
    """Convert an error of gRPC to an exception that says what to do.

    Args:
        error: Error of `grpc` or `grpc.aio`.
        server: Address of the server.
        model: Name of the model.
        timeout: Maximum number of seconds that the call had.
        encrypted: Whether the connection uses TLS.
    """
    code, details = error.code(), error.details() or ""
    match code:
        case grpc.StatusCode.UNAVAILABLE if _QUEUE_IS_FULL not in details:
            return ServerUnavailableError(code, _unavailable(server, details, encrypted))
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.RESOURCE_EXHAUSTED:
            return ServerBusyError(
                code, f"{server} refused the request ({code.name}: {details}): make fewer calls, or try again later"
            )
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return timeout_error(server, timeout)
        case grpc.StatusCode.NOT_FOUND:
            return ModelNotFoundError(
                code, f"{server} has no model {model} as requested ({details}): check --name, and --version if given"
            )
        case _:
            return RequestRefusedError(code, f"{server} refused the request ({code.name}: {details})")


def timeout_error(server: str, timeout: float) -> ServerTimeoutError:
    """The exception for a call without an answer within `timeout` seconds."""
    return ServerTimeoutError(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        f"{server} did not answer within {timeout:g} s: raise --timeout",
    )


def _unavailable(server: str, details: str, encrypted: bool) -> str:
    listening = what_listens(server)
    if listening == HTTP:
        return f"{server} speaks HTTP, as a REST port does: name the server's gRPC port (8500 unless it was changed)"
    if encrypted and any(words in details for words in _OTHER_NAME):
        return (
            f"the certificate of {server} is for another name: give the name that is in it with --server-name (or "
            "Tls(server_name=…)), or the address by that name"
        )
    if encrypted and "WRONG_VERSION_NUMBER" in details:
        return f"{server} does not speak TLS: leave out --tls and --ca (or tls=…), or name its port for TLS"
    if encrypted and "CERTIFICATE_VERIFY_FAILED" in details:
        return (
            f"{server} has a certificate of an authority that is not known here: name the authority's file with --ca "
            "(or Tls(root_certificates=…))"
        )
    if proxy := proxy_in_the_way(server):
        return (
            f"no model server answers at {server} through the proxy that the variable {proxy} names: unset it, "
            f"or add the host to no_proxy"
        )
    if encrypted and listening == MUTUAL_TLS:
        return (
            f"{server} wants a certificate of the client, signed by an authority that it knows: give --certificate and "
            "--key (or Tls(certificate_chain=…, private_key=…)), or others if these were given"
        )
    if encrypted:
        return f"no model server answers at {server} over TLS ({details}): check its address, and the certificates"
    if listening in (TLS, MUTUAL_TLS):
        return (
            f"{server} requires TLS: add --tls, or --ca with the file of the authority that signed its certificate "
            "(in Python tls=Tls(…))"
        )
    return (
        f"no model server answers at {server}: start one with `ser serve MODELS`, "
        "or name its address with --server HOST:PORT (and --tls, if it requires TLS)"
    )
