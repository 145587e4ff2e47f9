"""TensorFlow Serving's REST API, called with curl."""

import base64
import json
import shutil
import subprocess

import numpy as np
import pytest

from tests.serving.conformance.repository import MODEL
from tests.serving.conformance.test_grpc import wav


@pytest.fixture(scope="module")
def curl(addresses):
    """`curl(path, body)`: the code and the document."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")

    def run(path, body=None, method=None):
        command = ["curl", "-sS", "-w", "\n%{http_code}", f"http://{addresses.rest}{path}"]
        command += ["-X", method] if method else []
        command += ["--data-binary", "@-"] if body is not None else []
        text = body if isinstance(body, str | None) else json.dumps(body)
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=True)
        answer, _, code = done.stdout.rpartition("\n")
        return int(code), json.loads(answer)

    return run


def b64(content: bytes) -> dict:
    return {"b64": base64.b64encode(content).decode()}


@pytest.fixture(scope="module")
def row(waveforms):
    return {"waveform": waveforms[0].astype(float).tolist(), "num_samples": len(waveforms[0])}


def test_rows(curl, row):
    code, answer = curl(f"/v1/models/{MODEL}:predict", {"instances": [row, row]})
    assert code == 200
    first, second = answer["predictions"]
    # Rows of one batch may differ in the last bits: threads add up in different orders.
    assert first == second | {name: pytest.approx(second[name], abs=1e-6) for name in ("probabilities", "confidence")}
    assert set(first) == {"probabilities", "emotion", "confidence", "status", "finding", "labels"}
    assert sum(first["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert first["confidence"] == max(first["probabilities"])
    assert isinstance(first["emotion"], str)
    assert first["status"] == first["finding"] == 0


def test_columns(curl, row):
    _, rows = curl(f"/v1/models/{MODEL}:predict", {"instances": [row]})
    inputs = {name: [value] for name, value in row.items()}
    code, answer = curl(f"/v1/models/{MODEL}:predict", {"signature_name": "serving_default", "inputs": inputs})
    assert code == 200
    assert answer["outputs"]["emotion"] == [rows["predictions"][0]["emotion"]]
    np.testing.assert_allclose(answer["outputs"]["probabilities"], [rows["predictions"][0]["probabilities"]], atol=1e-5)


@pytest.mark.parametrize("named", [True, False])
def test_files_in_base64(curl, waveforms, named):
    files = [b64(wav(waveforms[0])), b64(b"no WAV")]
    instances = [{"audio": file} for file in files] if named else files
    code, answer = curl(f"/v1/models/{MODEL}:predict", {"signature_name": "wav_bytes", "instances": instances})
    assert code == 200
    assert [prediction["status"] for prediction in answer["predictions"]] == [0, 4]
    code, answer = curl(f"/v1/models/{MODEL}:predict", {"signature_name": "wav_bytes", "inputs": files})
    assert (code, answer["outputs"]["status"]) == (200, [0, 4])


@pytest.mark.parametrize("which", ["/versions/1", "/versions/2", "/labels/stable", "/labels/canary"])
def test_versions_and_labels(curl, row, which):
    code, chosen = curl(f"/v1/models/{MODEL}{which}:predict", {"instances": [row]})
    number = {"stable": 1, "canary": 2}.get(which.rpartition("/")[2]) or int(which[-1])
    _, expected = curl(f"/v1/models/{MODEL}/versions/{number}:predict", {"instances": [row]})
    assert code == 200
    assert chosen["predictions"][0]["emotion"] == expected["predictions"][0]["emotion"]


def test_status(curl):
    code, answer = curl(f"/v1/models/{MODEL}")
    assert code == 200
    good = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert sorted(answer["model_version_status"], key=lambda status: status["version"]) == [
        {"version": "1", **good},
        {"version": "2", **good},
    ]
    code, answer = curl(f"/v1/models/{MODEL}/versions/2")
    assert [status["version"] for status in answer["model_version_status"]] == ["2"]


def test_metadata(curl):
    code, answer = curl(f"/v1/models/{MODEL}/metadata")
    assert code == 200
    assert answer["model_spec"]["name"] == MODEL
    assert answer["model_spec"]["version"] == "2"
    inputs = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"]
    assert inputs["waveform"]["dtype"] == "DT_FLOAT"
    assert [dim["size"] for dim in inputs["waveform"]["tensor_shape"]["dim"]] == ["-1", "-1"]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/models/nobody", None, 404),
        ("/v1/models/nobody:predict", {"instances": [1]}, 404),
        (f"/v1/models/{MODEL}/versions/99:predict", {"instances": [1]}, 404),
        (f"/v1/models/{MODEL}/labels/unheard:predict", {"instances": [1]}, 400),
        (f"/v1/models/{MODEL}:predict", "", 400),
        (f"/v1/models/{MODEL}:predict", "{", 400),
        (f"/v1/models/{MODEL}:predict", "[]", 400),
        (f"/v1/models/{MODEL}:predict", {}, 400),
        (f"/v1/models/{MODEL}:predict", {"instances": []}, 400),
        (f"/v1/models/{MODEL}:predict", {"instances": [1, 2]}, 400),
        (f"/v1/models/{MODEL}:predict", {"instances": [{"waveform": [0.0]}]}, 400),
        (f"/v1/models/{MODEL}:predict", {"instances": [{"waveform": ["a"], "num_samples": 1}]}, 400),
        (f"/v1/models/{MODEL}:predict", {"instances": [{"waveform": [0.0], "num_samples": 1.5}]}, 400),
        (f"/v1/models/{MODEL}:predict", {"inputs": {"waveform": [[0.0], [0.0, 1.0]], "num_samples": [1, 1]}}, 400),
        (f"/v1/models/{MODEL}:predict", {"inputs": {"waveform": [0.0], "num_samples": [1]}}, 400),
        (f"/v1/models/{MODEL}:predict", {"signature_name": "wav_bytes", "instances": [{"b64": "?"}]}, 400),
        (f"/v1/models/{MODEL}:predict", {"signature_name": "unheard", "instances": [1]}, 400),
        (f"/v1/models/{MODEL}:guess", {"instances": [1]}, 400),
    ],
)
def test_errors_are_json_with_the_right_code(curl, path, body, expected):
    code, answer = curl(path, body)
    assert code == expected
    assert answer.keys() == {"error"}


def test_prometheus_finds_the_requests(addresses, curl, row):
    curl(f"/v1/models/{MODEL}:predict", {"instances": [row]})
    url = f"http://{addresses.rest}/monitoring/prometheus/metrics"
    page = subprocess.run(["curl", "-sS", url], capture_output=True, text=True, timeout=60, check=True).stdout
    assert f':tensorflow:serving:request_count{{model_name="{MODEL}",status="OK"}}' in page
    assert ":tensorflow:serving:request_latency_bucket{" in page
    assert ":tensorflow:serving:batching_session:queuing_latency_count{" in page
