"""`ser export`, `ser serve` and `ser predict` as typed on a command line."""

import json
import socket

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import ser
from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError
from serving.client import EmotionClient
from serving.recognition.audio import CUT_OFF
from serving.status import RowStatus
from tests.voice import voice
from training.run.folder import Run


@pytest.fixture(scope="module")
def run_ser():
    return lambda *arguments: CliRunner().invoke(ser.app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def files(clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    for index, clip in enumerate(clips[:3]):
        soundfile.write(folder / f"clip{index}.wav", clip, 16_000)
    return [folder / f"clip{index}.wav" for index in range(3)]


class TestPredict:
    def test_people_see_emotion_bars_and_latency(self, run_ser, server, files):
        result = run_ser("predict", files[0], "--server", server.address)
        assert result.exit_code == 0
        assert str(files[0]) in result.output
        assert all(label in result.output for label in LABELS)
        assert "█" in result.output
        assert " ms " in result.output
        assert "confidence" in result.output

    def test_programs_get_a_json_object_a_line(self, run_ser, server, files, tiny_recogniser):
        result = run_ser("predict", *files, "--server", server.address, "--json")
        assert result.exit_code == 0
        documents = [json.loads(line) for line in result.stdout.splitlines()]
        assert [document["file"] for document in documents] == list(map(str, files))
        for document, file in zip(documents, files, strict=True):
            samples, _ = soundfile.read(file, dtype="float32")
            expected = tiny_recogniser(samples[np.newaxis], np.array([samples.size], np.int32)).numpy()[0]
            np.testing.assert_allclose(list(document["probabilities"].values()), expected, atol=1e-4)
            assert document["emotion"] == LABELS[expected.argmax()]
            assert document["confidence"] == pytest.approx(expected.max(), abs=1e-4)
            assert document["model_version"] == 2
            assert document["latency_ms"] > 0

    @pytest.mark.parametrize("version", ["", "1"])
    def test_a_saved_model_answers_without_a_server(self, run_ser, models, files, version):
        result = run_ser("predict", files[1], "--model", models / "ser" / version, "--json")
        assert result.exit_code == 0
        assert json.loads(result.stdout)["model_version"] == int(version or 2)

    @pytest.mark.parametrize("as_json", [False, True])
    def test_a_bad_file_is_reported_and_the_others_are_answered(self, run_ser, server, files, tmp_path, as_json):
        text = tmp_path / "text.wav"
        text.write_text("this is text")
        empty = tmp_path / "empty.wav"
        empty.touch()
        missing = tmp_path / "missing.wav"
        several = [files[0], text, files[1], empty, missing, files[2]]
        result = run_ser("predict", *several, "--server", server.address, *(["--json"] if as_json else []))
        assert result.exit_code == 1
        assert result.exception is None or isinstance(result.exception, SystemExit)
        if as_json:
            documents = [json.loads(line) for line in result.stdout.splitlines()]
            assert [document["file"] for document in documents] == list(map(str, several))
            assert ["error" in document for document in documents] == [False, True, False, True, True, False]
            for document in documents:
                assert "emotion" in document or document["file"] in document["error"]
        else:
            assert result.output.count("error: ") == 3
            assert result.output.count("confidence") == 3

    def test_a_folder_stands_for_its_audio_files(self, run_ser, server, files, tmp_path):
        for name, file in (("b.wav", files[0]), ("a.mp3", files[1])):
            (tmp_path / name).write_bytes(file.read_bytes())
        (tmp_path / "notes.txt").write_text("no audio")
        result = run_ser("predict", files[2], tmp_path, "--server", server.address, "--json")
        assert result.exit_code == 0
        documents = [json.loads(line) for line in result.stdout.splitlines()]
        assert [document["file"] for document in documents] == [
            str(files[2]), str(tmp_path / "a.mp3"), str(tmp_path / "b.wav")
        ]  # fmt: skip
        assert f"{tmp_path}: passed over, not audio by their suffixes: " in result.stderr
        assert ".txt" in result.stderr

    def test_a_folder_without_audio_is_one_sentence(self, run_ser, server, tmp_path):
        (tmp_path / "notes.txt").write_text("no audio")
        result = run_ser("predict", tmp_path, "--server", server.address)
        assert isinstance(result.exception, UserError)
        assert str(result.exception) == f"{tmp_path} holds no audio files: give a folder that does"

    def test_standard_input_is_a_file(self, server, files):
        command = ["predict", "-", str(files[0]), "--server", server.address, "--json"]
        result = CliRunner().invoke(ser.app, command, input=files[0].read_bytes())
        piped, named = map(json.loads, result.stdout.splitlines())
        assert piped["file"] == "-"
        assert piped["probabilities"] == pytest.approx(named["probabilities"], abs=1e-5)

    def test_a_file_that_was_cut_off_is_judged_and_that_is_said(self, run_ser, server, tmp_path):
        path = tmp_path / "clip.wav"
        soundfile.write(path, voice(2.0), 16_000)
        path.write_bytes(path.read_bytes()[: 44 + 2 * 16_000])
        result = run_ser("predict", path, "--server", server.address, "--json")
        assert json.loads(result.stdout)["finding"] == CUT_OFF
        assert CUT_OFF in run_ser("predict", path, "--server", server.address).output

    def test_audio_that_the_model_refuses_is_reported_with_its_file(self, run_ser, server, tmp_path, monkeypatch):
        # Every file that the graph refuses is refused before it is sent; other models may know other reasons.
        monkeypatch.setattr("serving.recognition.audio.unusable_reason", lambda pcm: None)
        silent = tmp_path / "silent.wav"
        soundfile.write(silent, np.zeros(16_000), 16_000)
        result = run_ser("predict", silent, "--server", server.address)
        assert result.exit_code == 1
        assert f"error: {silent}: {RowStatus.SILENT.sentence}" in result.output

    @pytest.mark.parametrize("way", ["--server", "--model"])
    def test_files_that_training_would_set_aside_are_refused(self, run_ser, server, models, files, tmp_path, way):
        silent, short, noisy = (tmp_path / f"{name}.wav" for name in ("silent", "short", "noisy"))
        soundfile.write(silent, np.zeros(16_000), 16_000)
        soundfile.write(short, voice()[:16], 16_000)
        soundfile.write(noisy, np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
        asked = server.address if way == "--server" else models / "ser"
        result = run_ser("predict", silent, files[0], short, noisy, way, asked, "--json")
        assert result.exit_code == 1
        documents = [json.loads(line) for line in result.stdout.splitlines()]
        assert documents[0] == {
            "file": str(silent), "error": f"{silent} is silent: no sample reaches 16 of 32,768"
        }  # fmt: skip
        assert documents[1]["emotion"] in LABELS
        assert documents[2] == {"file": str(short), "error": f"{short} is shorter than 0.1 s (0.001 s)"}
        assert documents[3]["error"].startswith(f"{noisy} holds no speech: ")

    @pytest.mark.parametrize(
        ("folder", "sentence"),
        [
            ("nowhere", "there is no folder {}: name that of a model, MODELS/NAME, or of one of its versions"),
            ("", "{} holds no SavedModel, neither saved_model.pb nor <version>/saved_model.pb: name the folder"),
        ],
    )
    def test_a_folder_without_a_saved_model_is_one_sentence(self, run_ser, files, tmp_path, folder, sentence):
        (tmp_path / "notes" / "1").mkdir(parents=True)
        result = run_ser("predict", files[0], "--model", tmp_path / folder)
        assert isinstance(result.exception, UserError)
        assert sentence.format(tmp_path / folder) in str(result.exception)
        assert "--name" not in str(result.exception)

    @pytest.mark.parametrize("name", ["ser", "foo"])
    def test_the_connection_is_closed_whatever_comes(self, run_ser, server, files, name, monkeypatch):
        closed = []
        close = EmotionClient.close
        monkeypatch.setattr(EmotionClient, "close", lambda client: (closed.append(client), close(client)))
        run_ser("predict", files[0], "--server", server.address, "--name", name)
        assert len(closed) == 1

    def test_a_server_that_is_not_there_is_one_sentence(self, run_ser, files):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        result = run_ser("predict", *files, "--server", address)
        assert isinstance(result.exception, UserError)
        assert f"no model server answers at {address}: start one with `ser serve" in str(result.exception)

    def test_an_unknown_model_is_one_sentence(self, run_ser, server, files):
        result = run_ser("predict", *files, "--server", server.address, "--name", "foo")
        assert isinstance(result.exception, UserError)
        assert "has no model foo" in str(result.exception)

    def test_a_server_and_a_model_exclude_each_other(self, run_ser, models, files):
        result = run_ser("predict", files[0], "--server", "localhost:1", "--model", models / "ser")
        assert isinstance(result.exception, UserError)


class TestServe:
    def test_a_port_in_use_is_one_sentence(self, run_ser, server, models):
        port = server.address.rpartition(":")[2]
        result = run_ser("serve", models, "--grpc-port", port)
        assert isinstance(result.exception, UserError)
        assert f"port {port} " in str(result.exception)

    def test_a_folder_without_models_is_one_sentence(self, run_ser, tmp_path):
        result = run_ser("serve", tmp_path, "--grpc-port", 0)
        assert isinstance(result.exception, UserError)
        assert f"{tmp_path} holds no model" in str(result.exception)

    def test_a_wrong_folder_is_named_even_where_the_port_is_taken(self, run_ser, server, tmp_path):
        port = server.address.rpartition(":")[2]
        for folder, sentence in ((tmp_path / "nowhere", "there is no folder"), (tmp_path, "holds no model")):
            result = run_ser("serve", folder, "--grpc-port", port)
            assert isinstance(result.exception, UserError)
            assert str(folder) in str(result.exception)
            assert sentence in str(result.exception)


class TestExport:
    def test_it_writes_a_version_and_says_what_comes_next(self, run_ser, mobilenet, tmp_path):
        config = {
            "model": {"family": "mobilenet"},
            "weights": None,
            "labels": mobilenet.labels,
            "label_kind": "acted",
            "fit": {},
            "front_end": mobilenet.front_end.to_config(),
            "data": {"synthetic": True},
        }
        trained = Run.create(tmp_path / "run", config)
        trained.save_model(mobilenet.model)
        models = tmp_path / "models"
        result = run_ser("export", trained.folder, models, "--name", "voice")
        assert result.exit_code == 0
        assert (models / "voice" / "1" / "saved_model.pb").is_file()
        assert str(models / "voice" / "1") in result.output
        assert " MB" in result.output
        assert "synthetic" in result.output
        assert f"ser serve {models}" in result.output

    def test_a_folder_that_is_no_run_is_one_sentence(self, run_ser, tmp_path):
        result = run_ser("export", tmp_path / "nowhere", tmp_path / "models")
        assert isinstance(result.exception, UserError)
        assert "nowhere" in str(result.exception)
        assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("command", ["export", "serve", "predict"])
def test_help_teaches_with_an_example(run_ser, command):
    result = run_ser(command, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
