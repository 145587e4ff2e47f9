"""The client of a model server, TensorFlow Serving or `ser serve`: audio in, typed answers out.

- `blocking` and `asynchronous`: the two clients; `model_calls`: their requests and responses.
- `channel`: the connection, with TLS, load balancing and retries.
- `server_errors`: exceptions for calls that failed; `diagnosis`: what listens at an address, or stands before it.

The client imports `recognition`, `protocol` and the root of `serving`, but not `server`, `training` or TensorFlow.
"""

from serving.client.asynchronous import AsyncEmotionClient
from serving.client.blocking import EmotionClient, wait_until_available
from serving.client.channel import Tls
from serving.client.server_errors import (
    ModelNotFoundError,
    RequestRefusedError,
    ServerBusyError,
    ServerError,
    ServerTimeoutError,
    ServerUnavailableError,
)
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
