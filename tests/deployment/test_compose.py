"""The Compose file and the files that its services read use the same names."""

import json
import re
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

DEPLOYMENT = Path(__file__).parents[2] / "deployment"
METRICS = {
    # tensorflow_serving/servables/tensorflow/util.cc and tensorflow_serving/batching/batching_session.cc
    ":tensorflow:serving:request_count",
    ":tensorflow:serving:request_latency_bucket",
    ":tensorflow:serving:runtime_latency_bucket",
    ":tensorflow:serving:batching_session:queuing_latency_bucket",
    ":tensorflow:serving:batching_session:queuing_latency_count",
    ":tensorflow:serving:batching_session:wrapped_run_count",
    # tensorflow/cc/saved_model/loader.cc
    ":tensorflow:cc:saved_model:load_attempt_count",
}
"""Metrics of TensorFlow Serving. prometheus_exporter.cc replaces the slashes of a metric's name by colons."""


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOYMENT / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def dashboard():
    return json.loads((DEPLOYMENT / "grafana/dashboards/serving.json").read_text())


def load(path: str) -> dict:
    return yaml.safe_load((DEPLOYMENT / path).read_text())


def queries(dashboard: dict) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def rules() -> list[dict]:
    return [rule for group in load("prometheus/alerts.yml")["groups"] for rule in group["rules"]]


def test_the_services_are_complete(compose):
    assert compose.keys() <= {"name", "services", "volumes", "networks", "secrets", "configs"}
    assert set(compose["services"]) == {"serving", "prometheus", "grafana"}
    for service in compose["services"].values():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]) or "build" in service, "pinned, or built here"
        assert set(service.get("depends_on", [])) <= set(compose["services"])


def test_whatever_is_mounted_exists(compose):
    for service in compose["services"].values():
        for volume in service["volumes"]:
            if isinstance(volume, dict):
                assert volume["source"].startswith("${MODELS:?")
                assert (volume["target"], volume["read_only"]) == ("/models", True)
                continue
            source = volume.split(":")[0]
            assert (DEPLOYMENT / source).exists() if source.startswith("./") else source in compose["volumes"]


def test_the_server_is_built_from_the_production_dockerfile(compose):
    build = compose["services"]["serving"]["build"]
    dockerfile = (DEPLOYMENT / build["context"] / build["dockerfile"]).resolve()
    assert re.search(rf"^FROM \S+ AS {build['target']}$", dockerfile.read_text(), re.M)
    assert compose["services"]["serving"]["read_only"] is True


def test_only_grpc_is_open_to_other_machines(compose):
    ports = [port for service in compose["services"].values() for port in service["ports"]]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == ["8500:8500"]


def test_prometheus_asks_the_server_where_an_export_says():
    config = load("prometheus/prometheus.yml")
    (job,) = config["scrape_configs"]
    assert job["metrics_path"] == "/monitoring/prometheus/metrics"
    assert job["static_configs"] == [{"targets": ["serving:8501"]}]
    assert all((DEPLOYMENT / "prometheus" / name).exists() for name in config["rule_files"])


def test_grafana_finds_its_data_and_its_dashboard(compose, dashboard):
    (source,) = load("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    (provider,) = load("grafana/provisioning/dashboards/serving.yaml")["providers"]
    assert source["url"] == "http://prometheus:9090"
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in compose["services"]["grafana"]["volumes"]
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"]}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_queries_name_metrics_that_tensorflow_serving_has(dashboard):
    asked = "\n".join([*queries(dashboard), *(rule["expr"] for rule in rules())])
    assert set(re.findall(r":tensorflow[\w:]+", asked)) == METRICS
    assert asked.count("(") == asked.count(")")
    assert asked.count("{") == asked.count("}")
