import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog


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


def test_every_request_is_answered_without_complaint(models):
    loaded = tf.saved_model.load(str(models / "ser" / "1"))
    for request in warm_up_requests(models):
        inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
        answer = loaded.signatures[request.model_spec.signature_name](**inputs)
        assert not answer["status"].numpy().any()


def test_the_requests_take_little_room_and_are_fewer_than_the_server_reads(models):
    assert (models / "ser" / "1" / "assets.extra" / "tf_serving_warmup_requests").stat().st_size < 10_000
    assert len(warm_up_requests(models)) <= 1_000
