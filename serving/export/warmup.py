"""Warm-up requests, which TensorFlow Serving runs on a new version before it takes calls for it.

The server runs every `PredictionLog` in `assets.extra/tf_serving_warmup_requests` while it loads a version, so the
first caller does not wait for the work that TensorFlow postpones until the first run. It reads at most 1,000 requests.
"""

import struct
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from data_pipeline.audio import g711
from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.half_band import NARROW_RATE
from data_pipeline.corpora.synthetic import make_clip, make_speaker
from data_pipeline.emotion import Emotion
from serving.export.signatures import MULAW_BYTES, SERVING_DEFAULT, WAV_BYTES
from serving.model_repository.layout import WARM_UP_FILE

_BATCH_SIZES = (1, 8)

_SAMPLES = 3 * SAMPLE_RATE
"""Length of a typical utterance."""

_SPOKEN = SAMPLE_RATE // 5
"""Number of samples of speech in a request: 0.2 s. A row that cannot be judged, such as silence, would be cut to one
sample before the network, and warm up nothing; more speech would make the file larger, which is stored in the version's
folder. The signatures that take bytes receive this speech alone: after decoding, they run what the first signature has
already warmed up."""


def requests(name: str) -> list[PredictionLog]:
    """One request with speech for each signature and each of a few batch sizes.

    Args:
        name: Name of the model.

    Returns:
        Requests that a server answers with status 0 in every row, except that a batch of waveforms has speech in its
        first row only: the other rows are silent, and take part in the same computation at the length of the first.
    """
    speech = _speech()
    # What folds down without a filter does not matter here.
    telephone = speech[:: SAMPLE_RATE // NARROW_RATE]
    inputs = []
    for batch in _BATCH_SIZES:
        inputs.append((SERVING_DEFAULT, {"waveform": _waveforms(speech, batch), "num_samples": _counts(batch)}))
        inputs.append((WAV_BYTES, {"audio": _strings(_wav(telephone), batch)}))
        inputs.append((MULAW_BYTES, {"audio": _strings(g711.encode(telephone, "mulaw").tobytes(), batch)}))
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


def _speech() -> np.ndarray:
    """The loudest part of a synthetic utterance: int16 [_SPOKEN] at 16 kHz."""
    clip = make_clip(0, make_speaker(0, 1), 1, Emotion.NEUTRAL, 0)
    return clip[max(0, int(np.abs(clip).argmax()) - _SPOKEN // 2) :][:_SPOKEN]


# All tensors hold fewer values than their shapes have elements: the last one stands for all that follow. That makes
# bytes of silence, and of equal rows, where there would be megabytes.


def _waveforms(speech: np.ndarray, batch: int) -> TensorProto:
    shape = tf.TensorShape([batch, _SAMPLES]).as_proto()
    values = [*(speech / np.float32(32_768)).tolist(), 0.0]
    return TensorProto(dtype=tf.float32.as_datatype_enum, tensor_shape=shape, float_val=values)


def _counts(batch: int) -> TensorProto:
    shape = tf.TensorShape([batch]).as_proto()
    return TensorProto(dtype=tf.int32.as_datatype_enum, tensor_shape=shape, int_val=[_SAMPLES])


def _strings(value: bytes, batch: int) -> TensorProto:
    shape = tf.TensorShape([batch]).as_proto()
    return TensorProto(dtype=tf.string.as_datatype_enum, tensor_shape=shape, string_val=[value])


def _wav(telephone: np.ndarray) -> bytes:
    size = 2 * len(telephone)
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size, b"WAVE"),
        *(b"fmt ", 16, 1, 1, NARROW_RATE, 2 * NARROW_RATE, 2, 16),
        *(b"data", size),
    )
    return header + telephone.astype("<i2").tobytes()
