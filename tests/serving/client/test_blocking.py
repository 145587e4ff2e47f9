"""The client with a real server, and the recogniser in process, which has the same interface."""

import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import soundfile

from data_pipeline.audio.decode import decode
from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError
from serving.client import (
    AudioRejectedError,
    EmotionClient,
    ModelNotFoundError,
    RecognitionError,
    RequestRefusedError,
    Samples,
    ServerBusyError,
    ServerTimeoutError,
    ServerUnavailableError,
    UnexpectedAnswerError,
    UnreadableAudioError,
    wait_until_available,
)
from serving.recognition import batches
from serving.recognition.answer import EmotionAnswer, read_answers
from serving.recognition.audio import CUT_OFF
from serving.server.local_server import LocalServer
from serving.server.recogniser_in_process import InProcessRecogniser
from serving.status import RowStatus
from serving.tensors import to_array
from tests.serving.client.fake_server import fake_server, happy
from tests.voice import voice


@pytest.fixture(scope="module")
def client(server):
    with EmotionClient(server.address) as opened:
        yield opened


@pytest.fixture(scope="module")
def local(models):
    return InProcessRecogniser(models / "ser")


def expected(recogniser, waveform):
    num_samples = np.array([waveform.size], np.int32)
    return recogniser(waveform[np.newaxis].astype(np.float32), num_samples).numpy()[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class TestAnswers:
    def test_they_are_typed(self, client, tiny_recogniser, clips):
        answer = client.recognise(Samples(clips[4], 16_000))
        probabilities = expected(tiny_recogniser, clips[4])
        assert list(answer.probabilities) == list(LABELS)
        np.testing.assert_allclose(list(answer.probabilities.values()), probabilities, atol=1e-4)
        assert answer.emotion == LABELS[probabilities.argmax()]
        assert answer.confidence == pytest.approx(probabilities.max(), abs=1e-4)
        assert answer.model_version == 2
        assert 0 < answer.latency < 30

    @pytest.mark.parametrize(
        ("form", "rate", "channels", "subtype"),
        [
            ("WAV", 48_000, 2, "PCM_24"),
            ("WAV", 8_000, 1, "ULAW"),
            ("FLAC", 22_050, 1, "PCM_16"),
            ("OGG", 48_000, 2, "VORBIS"),
            ("MP3", 16_000, 1, "MPEG_LAYER_III"),
        ],
    )
    def test_files_of_any_kind_whatever_their_name(
        self, client, tiny_recogniser, tmp_path, form, rate, channels, subtype
    ):
        path = tmp_path / "clip.wav"
        samples = np.repeat(voice(1.5, rate)[:, np.newaxis], channels, axis=1)
        soundfile.write(path, samples, rate, format=form, subtype=subtype)
        answer = client.recognise(path)
        waveform = decode(path) / np.float32(32_768)
        np.testing.assert_allclose(list(answer.probabilities.values()), expected(tiny_recogniser, waveform), atol=1e-4)

    def test_arrays_of_any_kind(self, client, clips):
        samples = (clips[5] * 20_000).astype(np.int16)
        wanted = list(client.recognise(Samples(samples, 16_000)).probabilities.values())
        same = [
            samples.astype(np.float32) / 32_768,
            samples.astype(np.float64) / 32_768,
            samples.astype(np.int32) * 65_536,
            np.stack([samples, samples], axis=1),
        ]
        for other in same:
            received = list(client.recognise(Samples(other, 16_000)).probabilities.values())
            np.testing.assert_allclose(received, wanted, atol=1e-4)

    @pytest.mark.parametrize(
        ("samples", "rate", "sentence"),
        [
            (np.zeros((2, 2, 2)), 16_000, r"the shape \[2, 2, 2\]"),
            (np.zeros(9, np.uint8), 16_000, "uint8 samples"),
            (np.zeros(9), 0, "a sampling rate of 0"),
            (np.float32(1), 8_000, r"the shape \[\]"),
        ],
    )
    def test_arrays_that_are_no_audio_are_one_sentence(self, client, samples, rate, sentence):
        with pytest.raises(UnreadableAudioError, match=f"^the audio (has|holds) {sentence}: give "):
            client.recognise(Samples(samples, rate))

    @pytest.mark.parametrize(("end", "finding"), [(None, ""), (44 + 2 * 16_000, CUT_OFF)], ids=["whole", "cut off"])
    def test_what_is_to_be_said_of_a_file_comes_with_its_answer(self, client, tmp_path, end, finding):
        path = tmp_path / "clip.wav"
        soundfile.write(path, voice(2.0), 16_000)
        assert client.recognise(path.read_bytes()[:end]).finding == finding


class TestBatches:
    def test_each_row_is_answered_as_alone(self, client, clips):
        together = list(client.recognise_all(Samples(clip, 16_000) for clip in clips))
        for answer, clip in zip(together, clips, strict=True):
            alone = client.recognise(Samples(clip, 16_000))
            np.testing.assert_allclose(
                list(answer.probabilities.values()), list(alone.probabilities.values()), atol=1e-4
            )

    def test_bad_rows_are_errors_in_their_places(self, client, clips):
        nan = clips[1].copy()
        nan[100] = np.nan
        together = list(client.recognise_all(Samples(clip, 16_000) for clip in [clips[0], nan, clips[2], np.zeros(0)]))
        assert [type(answer) for answer in together] == [
            EmotionAnswer, UnreadableAudioError, EmotionAnswer, UnreadableAudioError
        ]  # fmt: skip
        assert str(together[1]) == "the audio holds samples that are not finite numbers"
        assert str(together[3]) == "the audio holds no samples"
        alone = client.recognise(Samples(clips[2], 16_000))
        assert together[2].probabilities == pytest.approx(alone.probabilities, abs=1e-4)

    def test_callers_at_the_same_time_get_each_their_own(self, client, clips):
        alone = [client.recognise(Samples(clip, 16_000)).probabilities for clip in clips]
        with ThreadPoolExecutor(8) as callers:
            together = list(callers.map(lambda clip: client.recognise(Samples(clip, 16_000)), clips * 5))
        for answer, wanted in zip(together, alone * 5, strict=True):
            assert answer.probabilities == pytest.approx(wanted, abs=1e-5)

    def test_none_is_no_call(self):
        with EmotionClient(f"127.0.0.1:{free_port()}") as nobody:
            assert list(nobody.recognise_all([])) == []


class TestMany:
    """Few utterances are read ahead at a time, so that they are read in several parts."""

    @pytest.fixture(autouse=True)
    def small_windows(self, monkeypatch):
        monkeypatch.setattr(batches, "MAX_UTTERANCES", 16)

    def test_answers_come_in_the_order_of_the_questions(self, client, clips):
        many = clips * 8
        wanted = [client.recognise(Samples(clip, 16_000)).probabilities for clip in clips] * 8
        answers = list(client.recognise_all(Samples(clip, 16_000) for clip in many))
        assert len(answers) == 80
        for answer, probabilities in zip(answers, wanted, strict=True):
            assert answer.probabilities == pytest.approx(probabilities, abs=1e-4)

    def test_they_are_asked_about_in_batches_of_like_lengths(self, clips):
        shapes = []

        def predict(request, context):
            shapes.append(to_array(request.inputs["num_samples"]))
            return happy(request)

        short, long = Samples(clips[0], 16_000), Samples(clips[9], 16_000)
        with fake_server(predict) as address, EmotionClient(address, batch_size=8) as client:
            assert len(list(client.recognise_all([short, long] * 16))) == 32
        assert sorted(map(len, shapes)) == [8] * 4
        assert all(len(set(lengths)) == 1 for lengths in shapes)

    def test_they_are_read_as_the_answers_are_taken(self, client, clips):
        taken = []

        def endless():
            while True:
                taken.append(1)
                yield Samples(clips[0], 16_000)

        answers = client.recognise_all(endless())
        assert isinstance(next(answers), EmotionAnswer)
        answers.close()
        assert len(taken) <= 48

    def test_a_refused_batch_is_an_error_for_its_rows_alone(self, clips):
        def predict(request, context):
            if to_array(request.inputs["num_samples"])[0] == clips[9].size:
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "no room")
            return happy(request)

        short, long = Samples(clips[0], 16_000), Samples(clips[9], 16_000)
        with fake_server(predict) as address, EmotionClient(address, batch_size=8) as client:
            answers = list(client.recognise_all([short, long] * 8))
        assert [type(answer) for answer in answers] == [EmotionAnswer, ServerBusyError] * 8

    def test_a_server_that_is_gone_ends_it(self, clips):
        taken = []

        def endless():
            while True:
                taken.append(1)
                yield Samples(clips[0], 16_000)

        with EmotionClient(f"127.0.0.1:{free_port()}", attempts=1) as nobody, pytest.raises(ServerUnavailableError):
            list(nobody.recognise_all(endless()))
        assert len(taken) <= 48

    def test_no_more_calls_are_under_way_than_allowed_whoever_asks(self, clips):
        lock, now, most = threading.Lock(), [], []

        def predict(request, context):
            with lock:
                now.append(1)
                most.append(len(now))
            time.sleep(0.02)
            with lock:
                now.pop()
            return happy(request)

        with (
            fake_server(predict) as address,
            EmotionClient(address, concurrency=3) as client,
            ThreadPoolExecutor(12) as callers,
        ):
            list(callers.map(client.recognise, [Samples(clips[0], 16_000)] * 30))
        assert max(most) == 3


class TestUntrueAnswers:
    """Answers of models of other projects, and of servers that are no model servers."""

    @pytest.mark.parametrize(
        ("changed", "sentence"),
        [
            ({"probabilities": np.full((1, 6), np.nan, np.float32)}, "not finite"),
            ({"confidence": np.array([np.inf], np.float32)}, "not finite"),
            ({"probabilities": np.ones((1, 6, 1), np.float32)}, "does not fit the labels"),
            ({"status": np.zeros((2,), np.int32)}, r"status has the shape \[2\] for a request of 1 rows"),
            ({"emotion": np.array(b"happiness", object)}, r"emotion has the shape \[\]"),
            ({"emotion": np.array([b"\xff"], object)}, "another emotion than in the labels"),
        ],
    )
    def test_they_are_errors(self, clips, changed, sentence):
        with (
            fake_server(lambda request, context: happy(request, **changed)) as address,
            EmotionClient(address) as client,
            pytest.raises(UnexpectedAnswerError, match=sentence),
        ):
            client.recognise(Samples(clips[0], 16_000))

    def test_a_tensor_that_contradicts_itself_is_refused(self, clips):
        def predict(request, context):
            response = happy(request)
            response.outputs["status"].tensor_shape.dim[0].size = 10**12
            return response

        with (
            fake_server(predict) as address,
            EmotionClient(address) as client,
            pytest.raises(RequestRefusedError, match="is it a model server"),
        ):
            client.recognise(Samples(clips[0], 16_000))


@pytest.mark.parametrize(
    "choice",
    [{"version": 1, "version_label": "stable"}, {"attempts": 0}, {"attempts": 6}, {"concurrency": 0}, {"timeout": 0}],
)
def test_choices_out_of_range_are_defects(choice):
    with pytest.raises(ValueError, match=r"must be|cannot both"):
        EmotionClient(**choice)


@pytest.mark.parametrize(
    "error",
    [AudioRejectedError, ModelNotFoundError, ServerBusyError, UnexpectedAnswerError, UnreadableAudioError],
)
def test_one_error_catches_all(error):
    assert issubclass(error, RecognitionError)
    assert issubclass(error, UserError)


class TestErrors:
    def test_bad_audio(self, client):
        with pytest.raises(UnreadableAudioError, match="not finite numbers"):
            client.recognise(Samples(np.array([0.1, np.inf]), 16_000))

    def test_a_row_that_the_model_rejects(self, clips):
        """A model may know more reasons than this client, which has judged the audio before."""
        rejected = {
            "status": np.array([RowStatus.NO_SPEECH], np.int32),
            "probabilities": np.zeros((1, 6), np.float32),
            "emotion": np.array([b""], object),
        }
        with (
            fake_server(lambda request, context: happy(request, **rejected)) as address,
            EmotionClient(address) as client,
            pytest.raises(AudioRejectedError) as caught,
        ):
            client.recognise(Samples(clips[0], 16_000))
        assert caught.value.status is RowStatus.NO_SPEECH
        assert str(caught.value) == RowStatus.NO_SPEECH.sentence

    def test_a_file_that_is_no_audio(self, client, tmp_path):
        path = tmp_path / "clip.wav"
        path.write_text("this is text")
        with pytest.raises(UnreadableAudioError, match=r"clip\.wav"):
            client.recognise(path)

    @pytest.mark.parametrize(
        ("samples", "sentence"),
        [
            (np.zeros(16_000), "is silent: no sample reaches 16 of 32,768"),
            (voice()[:1_599], r"is shorter than 0\.1 s \(0\.100 s\)"),
            (np.random.default_rng(0).normal(0, 0.1, 16_000), r"holds no speech: .* has no emotion"),
        ],
        ids=["silence", "short", "noise"],
    )
    def test_audio_that_training_would_set_aside(self, client, tmp_path, samples, sentence):
        path = tmp_path / "clip.wav"
        soundfile.write(path, samples, 16_000)
        with pytest.raises(UnreadableAudioError, match=rf"clip\.wav {sentence}$"):
            client.recognise(path)
        with pytest.raises(UnreadableAudioError, match=rf"^the audio {sentence}$"):
            client.recognise(Samples(samples, 16_000))

    def test_nobody_there(self, clips):
        address = f"127.0.0.1:{free_port()}"
        with (
            EmotionClient(address) as nobody,
            pytest.raises(ServerUnavailableError, match=rf"no model server answers at {address}: .*ser serve"),
        ):
            nobody.recognise(Samples(clips[0], 16_000))

    def test_checking_finds_out_before_asking(self, server, client):
        client.check()
        with (
            EmotionClient(server.address, "foo") as lost,
            pytest.raises(ModelNotFoundError, match="model foo"),
        ):
            lost.check()
        with EmotionClient(f"127.0.0.1:{free_port()}") as nobody, pytest.raises(ServerUnavailableError):
            nobody.check()

    def test_a_server_that_never_answers(self, clips):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            with (
                EmotionClient(address, timeout=0.3) as patient,
                pytest.raises(ServerTimeoutError, match=rf"{address} did not answer within 0\.3 s"),
            ):
                patient.recognise(Samples(clips[0], 16_000))

    def test_an_unknown_model(self, server, clips):
        with (
            EmotionClient(server.address, "foo") as lost,
            pytest.raises(ModelNotFoundError, match=r"has no model foo .*Latest\(foo\)"),
        ):
            lost.recognise(Samples(clips[0], 16_000))

    def test_versions_and_labels(self, server, clips):
        with EmotionClient(server.address, version=2) as second:
            assert second.recognise(Samples(clips[0], 16_000)).model_version == 2
        with EmotionClient(server.address, version=1) as first, pytest.raises(ModelNotFoundError):
            first.recognise(Samples(clips[0], 16_000))
        with (
            EmotionClient(server.address, version_label="stable") as stable,
            pytest.raises(RequestRefusedError, match="label: stable") as caught,
        ):
            stable.recognise(Samples(clips[0], 16_000))
        assert caught.value.code == grpc.StatusCode.INVALID_ARGUMENT

    def test_more_audio_than_a_message_takes(self, client):
        hour = np.broadcast_to(np.float32(0), (1, 3_600 * 16_000))
        with pytest.raises(RequestRefusedError, match="1 rows of 3600 s are too much for one call"):
            client.predict(hour, np.array([hour.size], np.int32))

    def test_the_labels_of_another_model(self, server, clips):
        with (
            EmotionClient(server.address, labels=["calm", "angry"]) as other,
            pytest.raises(UnexpectedAnswerError, match="does not fit the labels calm, angry"),
        ):
            other.recognise(Samples(clips[0], 16_000))
        with (
            EmotionClient(server.address, labels=LABELS[::-1]) as turned,
            pytest.raises(UnexpectedAnswerError, match="another emotion than in the labels"),
        ):
            turned.recognise(Samples(clips[0], 16_000))


def test_a_status_of_the_future_is_an_error_with_its_number():
    outputs = {
        "probabilities": np.zeros((1, 6), np.float32),
        "emotion": np.array([b""], object),
        "confidence": np.zeros(1, np.float32),
        "status": np.array([99], np.int32),
    }
    [answer] = read_answers(outputs, LABELS, [""], 1, 0.0)
    assert isinstance(answer, AudioRejectedError)
    assert answer.status == 99
    assert "unknown status 99" in str(answer)


def test_a_model_with_other_outputs_is_an_error():
    with pytest.raises(UnexpectedAnswerError, match="has no output confidence, emotion, status"):
        read_answers({"probabilities": np.zeros((1, 6))}, LABELS, [""], 1, 0.0)


class TestWaiting:
    def test_a_model_that_is_there(self, server):
        wait_until_available(server.address, "ser", timeout=10)

    def test_a_server_that_is_still_starting(self, models):
        port = free_port()
        started = []
        starting = threading.Thread(
            target=lambda: (time.sleep(0.7), started.append(LocalServer.start(models, port=port)))
        )
        starting.start()
        try:
            wait_until_available(f"127.0.0.1:{port}", "ser", timeout=60)
        finally:
            starting.join()
            started[0].stop()

    @pytest.mark.parametrize("model", ["ser", "foo"])
    def test_in_vain(self, server, model):
        address = server.address if model == "foo" else f"127.0.0.1:{free_port()}"
        with pytest.raises(
            ServerTimeoutError, match=rf"the model {model} was not available at {address} within 0\.5 s"
        ):
            wait_until_available(address, model, timeout=0.5)


class TestInProcess:
    def test_it_answers_as_the_server_does(self, client, local, clips):
        for clip in clips[:4]:
            here, there = local.recognise(Samples(clip, 16_000)), client.recognise(Samples(clip, 16_000))
            assert here.probabilities == pytest.approx(there.probabilities, abs=1e-5)
            assert (here.emotion, here.model_version) == (there.emotion, there.model_version)

    def test_a_version_may_be_named(self, models, clips):
        assert InProcessRecogniser(models / "ser" / "1").recognise(Samples(clips[0], 16_000)).model_version == 1

    def test_folders_without_a_model_are_errors(self, models, tmp_path):
        with pytest.raises(UserError, match="nowhere"):
            InProcessRecogniser(tmp_path / "nowhere")
        with pytest.raises(UserError, match="holds no SavedModel"):
            InProcessRecogniser(models)


def test_neither_client_nor_server_needs_the_training_code():
    program = (
        "import sys, serving.client, serving.server.recogniser_in_process, serving.server.local_server\n"
        "sys.exit(', '.join(name for name in sys.modules if name.split('.')[0] == 'training') or 0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[3], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
