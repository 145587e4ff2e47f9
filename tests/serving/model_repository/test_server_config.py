"""The text protos beside the models, parsed as TensorFlow Serving parses them."""

from pathlib import Path
from threading import Thread

import pytest
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from data_pipeline.errors import UserError
from serving.model_repository import server_config
from serving.model_repository.config_messages import read_text_proto


def entries(models: Path) -> dict[str, str]:
    return {model.name: model.base_path for model in server_config.read_models_config(models).model_config_list.config}


def test_a_model_is_served_from_where_the_image_holds_it(tmp_path):
    server_config.register(tmp_path, "ser")
    (model,) = server_config.read_models_config(tmp_path).model_config_list.config
    assert model == ModelConfig(name="ser", base_path="/models/ser", model_platform="tensorflow")
    assert server_config.local_folder(tmp_path, model) == tmp_path / "ser"


def test_a_base_path_elsewhere_is_left_as_it_is(tmp_path):
    elsewhere = ModelConfig(name="other", base_path="/srv/other")
    assert server_config.local_folder(tmp_path, elsewhere) == Path("/srv/other")


def test_what_the_operator_has_written_stays(tmp_path):
    written = """
        # The old model keeps two versions.
        model_config_list { config {
          name: "old" base_path: "/srv/old" model_platform: "tensorflow"
          model_version_policy { specific { versions: 3 versions: 4 } }
          version_labels { key: "stable" value: 3 }
        } }
    """
    (tmp_path / "models.config").write_text(written)
    (tmp_path / "batching.config").write_text("max_batch_size { value: 4 }")
    before = server_config.read_models_config(tmp_path)
    server_config.register(tmp_path, "old")
    assert (tmp_path / "models.config").read_text() == written, "nothing to add, nothing to write"
    server_config.register(tmp_path, "new")
    after = server_config.read_models_config(tmp_path)
    assert after.model_config_list.config[0] == before.model_config_list.config[0]
    assert list(entries(tmp_path)) == ["old", "new"]
    assert (tmp_path / "batching.config").read_text() == "max_batch_size { value: 4 }"
    assert {file.name for file in tmp_path.iterdir() if not file.name.startswith(".")} == {
        "models.config", "batching.config", "monitoring.config"
    }  # fmt: skip


def test_exports_at_the_same_time_do_not_lose_an_entry(tmp_path):
    names = {f"model-{number}" for number in range(20)}
    threads = [Thread(target=server_config.register, args=(tmp_path, name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(entries(tmp_path)) == names


def test_the_batching_parameters_are_ones_that_tensorflow_serving_takes(tmp_path):
    server_config.register(tmp_path, "ser")
    batching = read_text_proto(tmp_path / "batching.config", "BatchingParameters")
    sizes = list(batching.allowed_batch_sizes)
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == batching.max_batch_size.value
    assert batching.pad_variable_length_inputs
    assert 0 < batching.max_enqueued_batches.value < 1_000, "the queue is bounded"
    assert batching.HasField("batch_timeout_micros")


def test_prometheus_is_switched_on(tmp_path):
    server_config.register(tmp_path, "ser")
    monitoring = read_text_proto(tmp_path / "monitoring.config", "MonitoringConfig")
    assert monitoring.prometheus_config.enable
    assert monitoring.prometheus_config.path == "/monitoring/prometheus/metrics"


def test_a_missing_models_config_is_named(tmp_path):
    with pytest.raises(UserError, match=r"there is no .*models\.config: .*`ser export"):
        server_config.read_models_config(tmp_path)


@pytest.mark.parametrize("content", [b"model_config_list { nonsense: 1 }", b"\xff\xfe", b"{{{"])
def test_a_broken_models_config_is_named_and_left_alone(tmp_path, content):
    (tmp_path / "models.config").write_bytes(content)
    with pytest.raises(UserError, match=r"models\.config .*: put it right$"):
        server_config.register(tmp_path, "ser")
    assert (tmp_path / "models.config").read_bytes() == content
    assert not (tmp_path / "batching.config").exists()
