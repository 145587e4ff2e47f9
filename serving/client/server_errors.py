"""Calls that brought no answer, as types and sentences."""

import grpc

from serving.errors import RecognitionError

_QUEUE_IS_FULL = "batch scheduling queue"
"""In TensorFlow Serving's sentence where its queue is full, which it calls UNAVAILABLE (basic_batch_scheduler.h)."""


class ServerError(RecognitionError):
    """A call that brought no answer.

    Attributes:
        code: The gRPC status it ended with.
    """

    def __init__(self, code: grpc.StatusCode, sentence: str):
        super().__init__(sentence)
        self.code = code


class ServerUnavailableError(ServerError):
    """Nobody answers at the address."""

    concerns_all = True


class ModelNotFoundError(ServerError):
    """The server has no such model or version."""

    concerns_all = True


class ServerTimeoutError(ServerError):
    """No answer came in time."""


class ServerBusyError(ServerError):
    """The server has more calls than it manages, and refuses some."""


class RequestRefusedError(ServerError):
    """The server answers, but not this request."""


def explained(error: grpc.RpcError, server: str, model: str, timeout: float, encrypted: bool) -> ServerError:
    """What a failed call means.

    Args:
        error: Of `grpc` or `grpc.aio`.
        server: Its address.
        model: That was asked for.
        timeout: Seconds that were allowed.
        encrypted: Whether by TLS.

    Returns:
        The error for the caller.
    """
    code, details = error.code(), error.details() or ""
    match code:
        case grpc.StatusCode.UNAVAILABLE if _QUEUE_IS_FULL not in details:
            return ServerUnavailableError(code, _unavailable(server, details, encrypted))
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.RESOURCE_EXHAUSTED:
            return ServerBusyError(code, f"{server} refused the request ({code.name}: {details}): ask less, or later")
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return out_of_time(server, timeout)
        case grpc.StatusCode.NOT_FOUND:
            return ModelNotFoundError(
                code, f"{server} has no model {model} as asked for ({details}): check --name, and --version where given"
            )
        case _:
            return RequestRefusedError(code, f"{server} refused the request ({code.name}: {details})")


def out_of_time(server: str, timeout: float) -> ServerTimeoutError:
    """No answer within so many seconds."""
    return ServerTimeoutError(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        f"{server} did not answer within {timeout:g} s: allow more with --timeout",
    )


def _unavailable(server: str, details: str, encrypted: bool) -> str:
    if encrypted:
        return f"no model server answers at {server} over TLS ({details}): check its address, and the certificates"
    return (
        f"no model server answers at {server}: start one with `ser serve MODELS`, "
        "or name its address with --server HOST:PORT (and --tls, where it wants it)"
    )
