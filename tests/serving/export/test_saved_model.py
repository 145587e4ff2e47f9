"""The SavedModel of a real network, loaded from disk in a process without this project."""

import io
import json
import os
import pickle
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from data_pipeline.audio import g711
from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError
from serving.export import warmup
from serving.export.saved_model import export_model
from serving.model_repository import layout, server_config
from serving.status import RowStatus
from tests.voice import voice
from training.families.mobilenet.family import FAMILY
from training.families.mobilenet.network import build
from training.families.mobilenet.recipe import MobileNetSettings
from training.front_end import LogMelFrontEnd
from training.run.recogniser import Recogniser

FRESH_PROCESS = Path(__file__).parents[1] / "fresh_process.py"
CALLS_INTO_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


def ops(version: Path) -> set[str]:
    """All ops of the graph and of its functions."""
    found = set()
    for meta_graph in SavedModel.FromString((version / "saved_model.pb").read_bytes()).meta_graphs:
        parts = {field.name: part for field, part in meta_graph.graph_def.ListFields()}
        functions = parts["library"].function
        for nodes in [parts["node"], *(function.node_def for function in functions)]:
            found |= {node.op for node in nodes}
    return found


def size_of(*paths: Path) -> int:
    return sum(file.stat().st_size for path in paths for file in path.rglob("*") if file.is_file())


def parameter_bytes(recogniser: Recogniser) -> int:
    return 4 * sum(int(np.prod(weight.shape)) for weight in recogniser.model.weights)


def wav(clip: np.ndarray, rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, clip, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


@pytest.fixture(scope="module")
def answers(mobilenet_version, clips, tmp_path_factory):
    """Answers of a fresh process for the clips alone, in batches with each kind of padding, and as bytes."""
    folder = tmp_path_factory.mktemp("questions")
    questions = [("serving_default", {"waveform": clip[None], "num_samples": np.int32([clip.size])}) for clip in clips]
    questions += [("serving_default", batch(clips, filling)) for filling in (0.0, np.nan, 1e30, -0.7)]
    broken = batch(clips, 0.0)
    broken["waveform"][3, 100] = np.nan
    questions.append(("serving_default", broken))
    questions.append(("wav_bytes", {"audio": [wav(clips[0], 16_000), b"broken", wav(voice(rate=8_000), 8_000)]}))
    call = g711.encode(np.round(voice(rate=8_000) * 32_767).astype(np.int16), "mulaw")
    questions.append(("mulaw_bytes", {"audio": [b"", call.tobytes()]}))
    (folder / "questions").write_bytes(pickle.dumps({"ops": ops(mobilenet_version), "asked": questions}))
    subprocess.run(
        [
            sys.executable,
            str(FRESH_PROCESS),
            str(mobilenet_version),
            str(folder / "questions"),
            str(folder / "answers"),
        ],
        check=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": ""},
    )
    return pickle.loads((folder / "answers").read_bytes())


def batch(clips, filling: float) -> dict[str, np.ndarray]:
    waveform = np.full((len(clips), max(clip.size for clip in clips) + 777), filling, np.float32)
    for row, clip in zip(waveform, clips, strict=True):
        row[: clip.size] = clip
    return {"waveform": waveform, "num_samples": np.int32([clip.size for clip in clips])}


@pytest.fixture(scope="module")
def wanted(mobilenet, clips):
    """The Keras model's probabilities for each clip, in this process."""
    return np.concatenate([mobilenet(tf.constant(clip[None]), tf.constant([clip.size])).numpy() for clip in clips])


@pytest.mark.parametrize("way", ["loaded", "session"])
class TestInAFreshProcess:
    def test_each_clip_alone_is_answered_as_by_the_keras_model(self, answers, wanted, way):
        got = np.concatenate([answer["probabilities"] for answer in answers[way][:10]])
        np.testing.assert_allclose(got, wanted, atol=1e-4)
        assert np.ptp(wanted, axis=0).max() > 0.1, "the clips should be answered differently"

    @pytest.mark.parametrize("question", [10, 11, 12, 13])
    def test_a_padded_batch_of_ten_is_too_whatever_the_padding(self, answers, wanted, way, question):
        answer = answers[way][question]
        np.testing.assert_allclose(answer["probabilities"], wanted, atol=1e-4)
        assert [name.decode() for name in answer["emotion"]] == [LABELS[best] for best in wanted.argmax(axis=1)]
        np.testing.assert_allclose(answer["confidence"], wanted.max(axis=1), atol=1e-4)
        assert not answer["status"].any()

    def test_a_row_of_nan_changes_no_other(self, answers, wanted, way):
        answer = answers[way][14]
        others = np.arange(10) != 3
        assert answer["status"].tolist() == [0, 0, 0, RowStatus.NOT_FINITE, 0, 0, 0, 0, 0, 0]
        assert not answer["probabilities"][3].any()
        np.testing.assert_allclose(answer["probabilities"][others], wanted[others], atol=1e-4)

    def test_files_and_mulaw_are_answered(self, answers, wanted, way):
        files, mulaw = answers[way][15:]
        assert files["status"].tolist() == [RowStatus.OK, RowStatus.NOT_WAV, RowStatus.OK]
        np.testing.assert_allclose(files["probabilities"][0], wanted[0], atol=1e-2)  # 16-bit rounding
        assert mulaw["status"].tolist() == [RowStatus.EMPTY, RowStatus.OK]


def test_the_graph_holds_only_ops_of_stock_tensorflow(mobilenet_version, answers):
    used = ops(mobilenet_version)
    assert {"StatefulPartitionedCall", "Conv2D", "RFFT", "DecodePaddedRaw"} <= used, "every function is looked at"
    assert answers["unregistered"] == set()
    assert used & CALLS_INTO_PYTHON == set()


def test_a_call_into_python_would_be_found(tmp_path):
    module = tf.Module()
    module.call = tf.function(
        lambda x: tf.numpy_function(np.sin, [x], tf.float32), input_signature=[tf.TensorSpec([None])]
    )
    tf.saved_model.save(module, str(tmp_path))
    assert ops(tmp_path) & CALLS_INTO_PYTHON


def test_the_fresh_process_knew_neither_keras_nor_this_project(answers):
    assert {"keras", "training", "serving", "data_pipeline", "tensorflow_io"}.isdisjoint(answers["modules"])


def test_signatures_have_the_promised_names_types_and_shapes(mobilenet_version):
    signatures = tf.saved_model.load(str(mobilenet_version)).signatures
    of_audio = {"serving_default", "wav_bytes", "mulaw_bytes"}
    assert set(signatures) == {*of_audio, "embedding", "classify_embedding"}
    inputs = {name: signature.structured_input_signature[1] for name, signature in signatures.items()}
    assert inputs["serving_default"] == {
        "waveform": tf.TensorSpec([None, None], tf.float32, "waveform"),
        "num_samples": tf.TensorSpec([None], tf.int32, "num_samples"),
    }
    audio = {"audio": tf.TensorSpec([None], tf.string, "audio")}
    assert inputs["wav_bytes"] == inputs["mulaw_bytes"] == audio
    assert inputs["embedding"] == inputs["serving_default"]
    [size] = {spec.shape[1] for spec in inputs["classify_embedding"].values()}
    outputs = {
        name: {key: (spec.dtype, spec.shape.as_list()) for key, spec in signature.structured_outputs.items()}
        for name, signature in signatures.items()
    }
    assert outputs["embedding"] == {
        "embedding": (tf.float32, [None, size]),
        "status": (tf.int32, [None]),
        "finding": (tf.int32, [None]),
    }
    for name in (*of_audio, "classify_embedding"):
        assert outputs[name] == {
            "probabilities": (tf.float32, [None, 6]),
            "emotion": (tf.string, [None]),
            "confidence": (tf.float32, [None]),
            "status": (tf.int32, [None]),
            "finding": (tf.int32, [None]),
            "labels": (tf.string, [None, 6]),
        }


def test_the_version_folder_has_the_layout_of_tensorflow_serving(mobilenet_version):
    assert mobilenet_version.name == "1"
    assert (mobilenet_version / "saved_model.pb").is_file()
    assert (mobilenet_version / "variables" / "variables.index").is_file()
    assert (mobilenet_version / "assets" / "labels.txt").read_text().split() == list(LABELS)
    assert (mobilenet_version / "assets.extra" / "tf_serving_warmup_requests").is_file()
    provenance = mobilenet_version / "assets.extra" / "provenance.json"
    assert json.loads(provenance.read_text()) == {"run": "somewhere"}
    models = mobilenet_version.parent.parent
    assert {"models.config", "batching.config", "monitoring.config"} <= {file.name for file in models.iterdir()}
    assert [entry.name for entry in mobilenet_version.parent.iterdir()] == ["1"], "nothing unfinished stays"


def test_servers_under_another_account_may_read_it(mobilenet_version):
    models = mobilenet_version.parent.parent
    written = (mobilenet_version, *mobilenet_version.rglob("*"), *models.glob("*.config"))
    for path in written:
        assert path.stat().st_mode & 0o044 == 0o044, path


def test_the_weights_are_stored_once(mobilenet_version, mobilenet):
    assert size_of(mobilenet_version / "variables") < 1.02 * parameter_bytes(mobilenet)
    # The graph costs the same at every width; against the full network it is little, see the next test.
    assert size_of(mobilenet_version) - size_of(mobilenet_version / "variables") < 900_000


def test_the_full_network_takes_at_most_a_tenth_more_than_its_parameters(tmp_path):
    front_end = LogMelSettings()
    model = build(MobileNetSettings(alpha=1.0), len(LABELS), front_end)
    full = Recogniser(model, tuple(map(str, LABELS)), LogMelFrontEnd(front_end), FAMILY)
    assert size_of(export_model(full, tmp_path, "ser")) <= 1.1 * parameter_bytes(full)


def test_the_optimiser_stays_at_home(tiny_recogniser, tmp_path):
    model = keras.models.clone_model(tiny_recogniser.model)
    model.compile("adam", "sparse_categorical_crossentropy")
    features = {"log_mel": np.zeros((4, 9, 64), np.float32), "num_frames": np.full(4, 9, np.int32)}
    model.fit(features, np.zeros(4), verbose=0)
    trained = replace(tiny_recogniser, model=model)
    version = export_model(trained, tmp_path, "ser")
    stored = tf.train.list_variables(str(version / "variables" / "variables"))
    shapes = [shape for name, shape in stored if not name.startswith("_CHECKPOINTABLE")]
    assert sorted(shapes) == sorted(list(weight.shape) for weight in model.weights)


def test_every_export_is_the_next_version_and_models_share_a_repository(tiny_recogniser, tmp_path):
    places = [export_model(tiny_recogniser, tmp_path, name) for name in ("ser", "ser", "other")]
    assert [place.relative_to(tmp_path).as_posix() for place in places] == ["ser/1", "ser/2", "other/1"]
    configured = server_config.read_models_config(tmp_path).model_config_list.config
    assert [(model.name, model.base_path) for model in configured] == [
        ("ser", "/models/ser"), ("other", "/models/other")
    ]  # fmt: skip


def test_an_export_that_fails_leaves_no_version_and_tells_no_server(tiny_recogniser, tmp_path, monkeypatch):
    export_model(tiny_recogniser, tmp_path, "ser")
    before = sorted(tmp_path.rglob("*"))
    config = (tmp_path / "models.config").read_text()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(warmup, "write", full)
    with pytest.raises(UserError, match=r"'ser' cannot be written .*No space left on device.*make room"):
        export_model(tiny_recogniser, tmp_path, "ser")
    with pytest.raises(UserError):
        export_model(tiny_recogniser, tmp_path, "other")
    assert list(layout.servable_folders(tmp_path, "ser")) == [1]
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "models.config").read_text() == config


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(
            None,
            None,
            "{{function_node __wrapped__SaveV2_dtypes_2_device_/job:localhost/task:0/device:CPU:0}} "
            "/models/ser/.unfinished-1/variables/variables_temp/part-0; No space left on device [Op:SaveV2] name: ",
        ),
        OSError(28, "No space left on device", "/models/ser/.unfinished-1/saved_model.pb.tmp1"),
    ],
)
def test_a_full_disk_is_said_without_names_of_nodes_or_temporary_files(tiny_recogniser, tmp_path, monkeypatch, error):
    def full(*_, **__):
        raise error

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(UserError) as raised:
        export_model(tiny_recogniser, tmp_path / "new" / "models", "ser")
    assert str(raised.value) == (
        f"the model 'ser' cannot be written to {tmp_path}/new/models (No space left on device): make room there or "
        "choose another folder"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_limit_on_files_is_said_the_same_way(tiny_recogniser, tmp_path):
    """The operating system refuses; the graph takes more than 100 kB."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(UserError, match=r"cannot be written to .*models \(File too large\): make room there or"):
            export_model(tiny_recogniser, tmp_path / "models", "ser")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_a_repository_that_is_a_file_is_named(tiny_recogniser, tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(UserError, match=r"cannot be written to .*models"):
        export_model(tiny_recogniser, tmp_path / "models", "ser")


def test_a_broken_models_config_stops_an_export_before_a_version_appears(tiny_recogniser, tmp_path):
    (tmp_path / "models.config").write_text("nonsense")
    with pytest.raises(UserError, match="not a ModelServerConfig"):
        export_model(tiny_recogniser, tmp_path, "ser")
    assert not (tmp_path / "ser").exists()
