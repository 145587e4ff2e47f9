"""Warm-up requests, which TensorFlow Serving runs on a new version before it takes calls for it.

The server runs every `PredictionLog` in `assets.extra/tf_serving_warmup_requests` while it loads a version, so the
first caller does not wait for the work that TensorFlow postpones until the first run. It reads at most 1,000 requests.
"""

import struct
from pathlib import Path

import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from data_pipeline.audio.decode import SAMPLE_RATE
from serving.export.signatures import MULAW_BYTES, SERVING_DEFAULT, WAV_BYTES
from serving.model_repository.layout import WARM_UP_FILE

_BATCH_SIZES = (1, 8)

_SAMPLES = 3 * SAMPLE_RATE
"""Length of a typical utterance."""

_BYTES_SAMPLES = 160
"""Length of the clips for the signatures that take bytes: 20 ms, because the requests are stored in the version's
folder. After decoding, these signatures run what the first signature has already warmed up."""


def requests(name: str) -> list[PredictionLog]:
    """One request of silence for each signature and each of a few batch sizes.

    Args:
        name: Name of the model.

    Returns:
        Requests that a server answers with status 0 in every row.
    """
    inputs = []
    for batch in _BATCH_SIZES:
        inputs.append((SERVING_DEFAULT, {"waveform": _silence(batch), "num_samples": _counts(batch)}))
        inputs.append((WAV_BYTES, {"audio": _strings(_wav(8_000), batch)}))
        inputs.append((MULAW_BYTES, {"audio": _strings(b"\xff" * _BYTES_SAMPLES, batch)}))
    return [_log(ModelSpec(name=name, signature_name=signature), tensors) for signature, tensors in inputs]


def write(name: str, version: Path) -> None:
    """Write the warm-up requests into a version's folder.

    Args:
        name: Name of the model.
        version: Folder that holds the `saved_model.pb`.
    """
    path = version / WARM_UP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as file:
        for request in requests(name):
            file.write(request.SerializeToString())


def _log(spec: ModelSpec, inputs: dict[str, TensorProto]) -> PredictionLog:
    return PredictionLog(predict_log=PredictLog(request=PredictRequest(model_spec=spec, inputs=inputs)))


def _silence(batch: int) -> TensorProto:
    # A constant tensor is written as one value and the shape: a few bytes instead of megabytes.
    shape = tf.TensorShape([batch, _SAMPLES]).as_proto()
    return TensorProto(dtype=tf.float32.as_datatype_enum, tensor_shape=shape, float_val=[0.0])


def _counts(batch: int) -> TensorProto:
    shape = tf.TensorShape([batch]).as_proto()
    return TensorProto(dtype=tf.int32.as_datatype_enum, tensor_shape=shape, int_val=[_SAMPLES])


def _strings(value: bytes, batch: int) -> TensorProto:
    shape = tf.TensorShape([batch]).as_proto()
    return TensorProto(dtype=tf.string.as_datatype_enum, tensor_shape=shape, string_val=[value] * batch)


def _wav(sample_rate: int) -> bytes:
    size = 2 * _BYTES_SAMPLES
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size, b"WAVE"),
        *(b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16),
        *(b"data", size),
    )
    return header + bytes(size)
