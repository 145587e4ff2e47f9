"""The connection to a model server: message limits, balancing, retries, TLS."""

import json
from types import ModuleType
from typing import Any

from serving.client.tls import Tls
from serving.tensors import MAX_MESSAGE_BYTES

MOST_ATTEMPTS = 5
"""gRPC makes no more, whatever it is told."""

_SERVICES = ("tensorflow.serving.PredictionService", "tensorflow.serving.ModelService")


def open_channel(library: ModuleType, server: str, tls: Tls | None, attempts: int) -> Any:
    """Open a connection; nothing is sent yet.

    Args:
        library: `grpc` or `grpc.aio`, which are alike here.
        server: `host:port`, or any other name that gRPC resolves (`dns:///headless-service:8500`). Calls go to all
            addresses behind it in turn.
        tls: Certificates, or None for a connection in the clear.
        attempts: How often a call is made at most that comes back as UNAVAILABLE, from 1 to `MOST_ATTEMPTS`.

    Returns:
        The channel of that library.
    """
    options: list[tuple[str, Any]] = [
        # A server that is starting is found within a second; gRPC's own patience grows to two minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        # What is not held back cannot be sent again, and by default that is all above 256 KiB: 4 s of audio.
        ("grpc.per_rpc_retry_buffer_size", MAX_MESSAGE_BYTES),
        ("grpc.service_config", json.dumps(_service_config(attempts))),
    ]
    if tls is None:
        return library.insecure_channel(server, options=options)
    if tls.server_name:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    return library.secure_channel(server, tls.credentials(), options=options)


def _service_config(attempts: int) -> dict:
    """GRPC's own balancing and retries: https://github.com/grpc/grpc/blob/master/doc/service_config.md.

    A wait is drawn within 20 % of its nominal length, so that clients do not come back all at once (gRFC A6).
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
