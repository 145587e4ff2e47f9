"""The error of a request: a gRPC status code and a message."""

import logging
from functools import partial

import grpc
import tensorflow as tf

_log = logging.getLogger(__name__)

_MAX_DETAILS = 600
"""Maximum number of characters of a message. It is sent in a header, and clients refuse headers over 8 KiB. A message
may quote names of the request, whose length is not limited, and a character may take twelve bytes in a header."""

_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}


class RequestError(Exception):
    """A request is answered with an error status.

    Attributes:
        code: The gRPC status.
        sentence: Message that says what was wrong and what was expected.
    """

    def __init__(self, code: grpc.StatusCode, sentence: str):
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


invalid = partial(RequestError, grpc.StatusCode.INVALID_ARGUMENT)
"""The request itself is wrong, so it would fail again."""

failed_precondition = partial(RequestError, grpc.StatusCode.FAILED_PRECONDITION)
"""The model exists, but lacks what the request needs."""

not_found = partial(RequestError, grpc.StatusCode.NOT_FOUND)
"""The model or version does not exist on this server."""

exhausted = partial(RequestError, grpc.StatusCode.RESOURCE_EXHAUSTED)
"""The server has more requests than it can handle now."""

deadline_exceeded = partial(RequestError, grpc.StatusCode.DEADLINE_EXCEEDED)
"""The caller's deadline has passed."""


def as_request_error(error: Exception) -> RequestError:
    """Convert an exception to the error that the caller receives.

    A `RequestError` keeps its status. An error of TensorFlow's runtime gets the gRPC status with the same number (both
    use the same codes). Any other exception becomes INTERNAL, and its traceback is written to the server's log only.

    Args:
        error: Exception that was raised while a request was answered.
    """
    if isinstance(error, RequestError):
        return RequestError(error.code, _shortened(error.sentence))
    if isinstance(error, tf.errors.OpError):
        code = _STATUS_CODES.get(error.error_code, grpc.StatusCode.INTERNAL)
        return RequestError(code, _shortened(error.message))
    _log.error("a request failed", exc_info=error)
    return RequestError(grpc.StatusCode.INTERNAL, "The server failed on this request; its log says why.")


def _shortened(sentence: str) -> str:
    return sentence if len(sentence) <= _MAX_DETAILS else sentence[: _MAX_DETAILS - 1] + "…"
