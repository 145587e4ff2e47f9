"""The server as a whole: its health service, its metrics, and its shutdown."""

import json
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import prediction_service_pb2_grpc

from data_pipeline.errors import UserError
from serving.server.batching_settings import BatchingSettings
from serving.server.local_server import LocalServer, ServerSettings
from serving.server.predictor import Predictor
from tests.serving.server.test_server import ask, make_request
from tests.voice import voice, voices

SETTINGS = ServerSettings(
    rest_port=0, batching=BatchingSettings(threads=1, max_batch_size=8, max_execution_batch_size=8)
)


@pytest.fixture(scope="module")
def server(models):
    with LocalServer.start(models, port=0, settings=SETTINGS) as running:
        yield running


def metrics(server) -> dict[str, float]:
    with urllib.request.urlopen(f"http://{server.rest_address}/monitoring/prometheus/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_it_is_healthy(server):
    with grpc.insecure_channel(server.address) as channel:
        response = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert response.status == health_pb2.HealthCheckResponse.SERVING


def test_requests_are_counted_under_tensorflow_servings_names(server):
    before = metrics(server)
    with grpc.insecure_channel(server.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for _ in range(3):
            ask(stub)
        for model in ("nobody", "nobody else"):
            with pytest.raises(grpc.RpcError):
                ask(stub, model=model)
    after = metrics(server)
    added = {name: after[name] - before.get(name, 0) for name in after}
    count = ":tensorflow:serving:request_count"
    assert added[f'{count}{{model_name="ser",status="OK"}}'] == 3
    assert added[f'{count}{{model_name="",status="NOT_FOUND"}}'] == 2, "strangers' names are not kept"
    latency = '{API="Predict",entrypoint="GRPC",model_name="ser"}'
    assert added[f":tensorflow:serving:request_latency_count{latency}"] == 3
    assert added[":tensorflow:serving:batching_session:wrapped_run_count"] == 3
    loads = [value for name, value in after.items() if "saved_model:load_attempt_count" in name and "success" in name]
    assert loads == [1]


def test_rest_is_counted_apart(server):
    body = json.dumps({"instances": [{"waveform": voice(0.3).tolist(), "num_samples": 4_800}]}).encode()
    url = f"http://{server.rest_address}/v1/models/ser:predict"
    with urllib.request.urlopen(url, data=body, timeout=20) as answer:
        assert json.load(answer)["predictions"][0]["status"] == 0
    assert any('entrypoint="REST"' in name for name in metrics(server))


def test_a_rest_port_in_use_is_an_error(server, models):
    port = int(server.rest_address.rpartition(":")[2])
    with pytest.raises(UserError, match=rf"port {port} on 127.0.0.1 is in use: .* --rest-port"):
        LocalServer.start(models, port=0, settings=ServerSettings(rest_port=port))


def test_calls_that_are_queued_at_the_stop_are_answered(models, monkeypatch):
    arrived = threading.Semaphore(0)
    predict = Predictor.predict

    async def predict_and_tell(*args, **kwargs):
        arrived.release()
        return await predict(*args, **kwargs)

    server = LocalServer.start(models, port=0, settings=SETTINGS)
    long = {"waveform": voices(8, 160_000), "num_samples": np.full(8, 160_000, np.int32)}
    stopping = threading.Thread(target=server.stop)
    with grpc.insecure_channel(server.address) as channel, ThreadPoolExecutor(8) as threads:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        ask(stub)
        monkeypatch.setattr(Predictor, "predict", predict_and_tell)
        calls = [threads.submit(stub.Predict, make_request(long), timeout=30) for _ in range(8)]
        assert all(arrived.acquire(timeout=30) for _ in calls)
        stopping.start()
        assert [call.result().outputs["status"].tensor_content for call in calls] == [bytes(4 * 8)] * 8
        stopping.join()
        with pytest.raises(grpc.RpcError) as refused:
            ask(stub)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
