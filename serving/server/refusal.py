"""What the server answers where it cannot answer: a gRPC status code and one sentence."""

import logging

import grpc
import tensorflow as tf

_log = logging.getLogger(__name__)

_MAX_DETAILS = 600
"""Characters. The details of a status travel in a header, and clients refuse headers over 8 KiB; a
request's own names, which a sentence may quote, have no such limit, and a character may take twelve bytes
there."""

_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Refusal(Exception):
    """A request that is answered with an error status.

    Attributes:
        code: The gRPC status.
        sentence: What was wrong and what was expected.
    """

    def __init__(self, code: grpc.StatusCode, sentence: str):
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def invalid(sentence: str) -> Refusal:
    """The request itself is wrong; sending it again will not help."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, sentence)


def failed_precondition(sentence: str) -> Refusal:
    """The model is here, but was not exported with what is asked of it."""
    return Refusal(grpc.StatusCode.FAILED_PRECONDITION, sentence)


def not_found(sentence: str) -> Refusal:
    """There is no such model or version here."""
    return Refusal(grpc.StatusCode.NOT_FOUND, sentence)


def exhausted(sentence: str) -> Refusal:
    """There are more requests than this server manages; another may, or this one later."""
    return Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, sentence)


def deadline_exceeded(sentence: str) -> Refusal:
    """The caller wanted the answer sooner."""
    return Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, sentence)


def as_refusal(error: Exception) -> Refusal:
    """What a caller is told of an error.

    A `Refusal` stays what it is, an error of TensorFlow's runtime gets the status of the same number (the two
    lists of codes are one), and anything else is INTERNAL, with the traceback in the server's log only.

    Args:
        error: Raised while a request was answered; the exception being handled.
    """
    if isinstance(error, Refusal):
        return Refusal(error.code, _shortened(error.sentence))
    if isinstance(error, tf.errors.OpError):
        code = _STATUS_CODES.get(error.error_code, grpc.StatusCode.INTERNAL)
        return Refusal(code, _shortened(error.message))
    _log.error("a request failed", exc_info=error)
    return Refusal(grpc.StatusCode.INTERNAL, "The server failed on this request; its log says why.")


def _shortened(sentence: str) -> str:
    return sentence if len(sentence) <= _MAX_DETAILS else sentence[: _MAX_DETAILS - 1] + "…"
