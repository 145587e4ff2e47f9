"""Replaying the warm-up requests of a SavedModel, so that no caller waits for the first run."""

from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from data_pipeline.errors import UserError
from serving.model_repository.repository import WARM_UP_FILE
from serving.server.refusal import Refusal
from serving.server.servable import Servable

MOST = 1_000
"""Requests; TensorFlow Serving refuses a model that brings more."""


def replay_warm_up(servable: Servable, folder: Path) -> int:
    """Answer each warm-up request of a model once.

    Args:
        servable: The loaded model.
        folder: Its SavedModel; one without warm-up requests is left as it is.

    Returns:
        How many requests were answered.

    Raises:
        UserError: If the file is damaged, or the model refuses one of its own requests.
    """
    path = folder / WARM_UP_FILE
    if not path.is_file():
        return 0
    answered = 0
    try:
        for record in tf.data.TFRecordDataset(str(path)).take(MOST):
            request = PredictionLog.FromString(record.numpy()).predict_log.request
            servable.predict(request.model_spec.signature_name, request.inputs, request.output_filter)
            answered += 1
    except (Refusal, tf.errors.OpError, DecodeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"request {answered + 1} of {path} fails ({reason}): export the model again") from error
    return answered
