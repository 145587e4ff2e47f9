"""The text protos beside the models, read as TensorFlow Serving reads them."""

from pathlib import Path
from threading import Thread

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from data_pipeline.errors import UserError
from serving import server_config

FIELD = descriptor_pb2.FieldDescriptorProto


def message_class(file: descriptor_pb2.FileDescriptorProto, name: str):
    """A message that `tensorflow-serving-api` does not ship, from its fields alone."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{name}"))


@pytest.fixture(scope="module")
def batching_parameters():
    """`BatchingParameters` of tensorflow_serving/servables/tensorflow/session_bundle_config.proto."""
    file = descriptor_pb2.FileDescriptorProto(
        name="batching.proto", package="test", syntax="proto3", dependency=["google/protobuf/wrappers.proto"]
    )
    message = file.message_type.add(name="BatchingParameters")
    wrapped = {
        "max_batch_size": 1,
        "batch_timeout_micros": 2,
        "max_enqueued_batches": 3,
        "num_batch_threads": 4,
    }
    for name, number in wrapped.items():
        message.field.add(name=name, number=number, type=FIELD.TYPE_MESSAGE, type_name=".google.protobuf.Int64Value")
    message.field.add(name="allowed_batch_sizes", number=6, type=FIELD.TYPE_INT64, label=FIELD.LABEL_REPEATED)
    message.field.add(name="pad_variable_length_inputs", number=7, type=FIELD.TYPE_BOOL)
    return message_class(file, "BatchingParameters")


@pytest.fixture(scope="module")
def monitoring_config():
    """`MonitoringConfig` of tensorflow_serving/config/monitoring_config.proto."""
    file = descriptor_pb2.FileDescriptorProto(name="monitoring.proto", package="test", syntax="proto3")
    prometheus = file.message_type.add(name="PrometheusConfig")
    prometheus.field.add(name="enable", number=1, type=FIELD.TYPE_BOOL)
    prometheus.field.add(name="path", number=2, type=FIELD.TYPE_STRING)
    message = file.message_type.add(name="MonitoringConfig")
    message.field.add(name="prometheus_config", number=1, type=FIELD.TYPE_MESSAGE, type_name=".test.PrometheusConfig")
    return message_class(file, "MonitoringConfig")


def entries(models: Path) -> dict[str, str]:
    return {model.name: model.base_path for model in server_config.read_config(models).model_config_list.config}


def test_a_model_is_served_from_where_the_image_holds_it(tmp_path):
    server_config.register(tmp_path, "ser")
    (model,) = server_config.read_config(tmp_path).model_config_list.config
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
    before = server_config.read_config(tmp_path)
    server_config.register(tmp_path, "old")
    assert (tmp_path / "models.config").read_text() == written, "nothing to add, nothing to write"
    server_config.register(tmp_path, "new")
    after = server_config.read_config(tmp_path)
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


def test_the_batching_parameters_are_ones_that_tensorflow_serving_takes(tmp_path, batching_parameters):
    server_config.register(tmp_path, "ser")
    batching = text_format.Parse((tmp_path / "batching.config").read_text(), batching_parameters())
    sizes = list(batching.allowed_batch_sizes)
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == batching.max_batch_size.value
    assert batching.pad_variable_length_inputs
    assert 0 < batching.max_enqueued_batches.value < 1_000, "the queue is bounded"
    assert batching.HasField("batch_timeout_micros")


def test_prometheus_is_switched_on(tmp_path, monitoring_config):
    server_config.register(tmp_path, "ser")
    monitoring = text_format.Parse((tmp_path / "monitoring.config").read_text(), monitoring_config())
    assert monitoring.prometheus_config.enable
    assert monitoring.prometheus_config.path == "/monitoring/prometheus/metrics"


def test_a_missing_models_config_is_named(tmp_path):
    with pytest.raises(UserError, match=r"there is no .*models\.config: .*`ser export"):
        server_config.read_config(tmp_path)


@pytest.mark.parametrize("content", [b"model_config_list { nonsense: 1 }", b"\xff\xfe", b"{{{"])
def test_a_broken_models_config_is_named_and_left_alone(tmp_path, content):
    (tmp_path / "models.config").write_bytes(content)
    with pytest.raises(UserError, match=r"models\.config .*: put it right$"):
        server_config.register(tmp_path, "ser")
    assert (tmp_path / "models.config").read_bytes() == content
    assert not (tmp_path / "batching.config").exists()
