import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from serving.status import RowStatus


def warm_up_requests(models):
    path = models / "ser" / "1" / "assets.extra" / "tf_serving_warmup_requests"
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    return [PredictionLog.FromString(record).predict_log.request for record in records]


def test_every_signature_is_warmed_up_alone_and_in_a_batch(models):
    asked = {
        (request.model_spec.signature_name, next(iter(request.inputs.values())).tensor_shape.dim[0].size)
        for request in warm_up_requests(models)
    }
    assert asked == {
        (signature, batch) for signature in ("serving_default", "wav_bytes", "mulaw_bytes") for batch in (1, 8)
    }
    assert {request.model_spec.name for request in warm_up_requests(models)} == {"ser"}


def test_every_request_is_judged(models):
    loaded = tf.saved_model.load(str(models / "ser" / "1"))
    for request in warm_up_requests(models):
        inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
        signature = request.model_spec.signature_name
        answer = loaded.signatures[signature](**inputs)
        status = answer["status"].numpy().tolist()
        others = RowStatus.SILENT if signature == "serving_default" else RowStatus.OK
        assert status == [RowStatus.OK] + [others] * (len(status) - 1)
        assert answer["probabilities"].numpy()[0].sum() == pytest.approx(1)


def test_the_network_runs_on_a_typical_length(models):
    for request in warm_up_requests(models):
        if request.model_spec.signature_name == "serving_default":
            assert set(tf.make_ndarray(request.inputs["num_samples"]).tolist()) == {48_000}


def test_the_requests_take_little_room_and_are_fewer_than_the_server_reads(models):
    assert (models / "ser" / "1" / "assets.extra" / "tf_serving_warmup_requests").stat().st_size < 40_000
    assert len(warm_up_requests(models)) <= 1_000
