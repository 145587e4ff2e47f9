"""The client of a model server, TensorFlow Serving or `ser serve`: audio in, typed answers out."""

from serving.client.asynchronous import AsyncEmotionClient
from serving.client.blocking import EmotionClient
from serving.client.server_errors import (
    ModelNotFoundError,
    RequestRefusedError,
    ServerBusyError,
    ServerError,
    ServerTimeoutError,
    ServerUnavailableError,
)
from serving.client.tls import Tls
from serving.client.waiting import wait_until_available
from serving.errors import AudioRejectedError, RecognitionError, UnexpectedAnswerError, UnreadableAudioError
from serving.recognition.answer import EmotionAnswer
from serving.recognition.audio import Samples

__all__ = [
    "AsyncEmotionClient",
    "AudioRejectedError",
    "EmotionAnswer",
    "EmotionClient",
    "ModelNotFoundError",
    "RecognitionError",
    "RequestRefusedError",
    "Samples",
    "ServerBusyError",
    "ServerError",
    "ServerTimeoutError",
    "ServerUnavailableError",
    "Tls",
    "UnexpectedAnswerError",
    "UnreadableAudioError",
    "wait_until_available",
]
