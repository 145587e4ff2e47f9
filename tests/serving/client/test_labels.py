"""Models tell their labels: of any names and number, through every client."""

import asyncio
import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

import ser
from serving.client import AsyncEmotionClient, EmotionClient, UnexpectedAnswerError
from serving.export.saved_model import export_model
from serving.recognition.answer import read_answers
from serving.recognition.audio import Samples
from serving.server.local_server import LocalServer
from serving.server.recogniser_in_process import InProcessRecogniser
from tests.voice import voice
from training.run.recogniser import Recogniser

SPEECH = Samples(voice(1.0), 16_000)


@pytest.fixture(scope="module")
def others(tiny_recogniser, tmp_path_factory):
    """A repository with a model of two labels, and one of six others."""
    import keras

    folder = tmp_path_factory.mktemp("others")
    inputs, outputs = tiny_recogniser.model.inputs, tiny_recogniser.model.layers[-2].output
    names = [tensor.name for tensor in inputs]
    for name, labels in (("two", ("calm", "angry")), ("six", ("a", "b", "c", "d", "e", "f"))):
        top = keras.layers.Dense(len(labels), activation="softmax", kernel_initializer="random_normal")(outputs)
        model = keras.Model(dict(zip(names, inputs, strict=True)), top)
        export_model(Recogniser(model, labels, tiny_recogniser.front_end, tiny_recogniser.family), folder, name)
    return folder


@pytest.fixture(scope="module")
def running(others):
    with LocalServer.start(others, port=0) as server:
        yield server


@pytest.mark.parametrize(("name", "labels"), [("two", ["calm", "angry"]), ("six", list("abcdef"))])
def test_every_client_answers_with_the_labels_of_the_model(others, running, name, labels, tmp_path):
    with EmotionClient(running.address, name) as client:
        answers = [client.recognise(SPEECH), *client.recognise_all([SPEECH])]

    async def ask():
        async with AsyncEmotionClient(running.address, name) as client:
            return await client.recognise(SPEECH)

    answers.append(asyncio.run(ask()))
    for answer in answers:
        assert list(answer.probabilities) == labels
        assert answer.emotion in labels

    import soundfile

    soundfile.write(tmp_path / "clip.wav", SPEECH.values, SPEECH.rate)
    for place in (["--server", running.address, "--name", name], ["--model", str(others / name)]):
        done = CliRunner().invoke(ser.app, ["predict", str(tmp_path / "clip.wav"), "--json", *place])
        assert done.exit_code == 0, done.output
        assert list(json.loads(done.stdout)["probabilities"]) == labels


def test_labels_of_a_model_in_this_process(others, tiny_recogniser, tmp_path):
    without = tmp_path / "without" / "1"
    shutil.copytree(others / "two" / "1", without)
    (without / "assets" / "labels.txt").unlink()
    assert list(InProcessRecogniser(without).recognise(SPEECH).probabilities) == ["calm", "angry"]
    model = Recogniser(
        tiny_recogniser.model,
        ("calm", "very angry", "c", "d", "e", "f"),
        tiny_recogniser.front_end,
        tiny_recogniser.family,
    )
    export_model(model, tmp_path, "spaced")
    answer = InProcessRecogniser(tmp_path / "spaced").recognise(SPEECH)
    assert list(answer.probabilities)[:2] == ["calm", "very angry"]


def test_labels_that_are_given_must_be_those_of_the_model(running):
    with (
        EmotionClient(running.address, "two", labels=("happy", "sad")) as client,
        pytest.raises(UnexpectedAnswerError, match="use the model's own labels"),
    ):
        client.recognise(SPEECH)


def test_a_model_from_before_they_were_told_has_the_usual_six():
    outputs = {
        "probabilities": np.eye(6, dtype=np.float32)[:1],
        "emotion": np.array([b"anger"], object),
        "confidence": np.ones(1, np.float32),
        "status": np.zeros(1, np.int32),
    }
    [answer] = read_answers(outputs, None, [""], 1, 0.0)
    assert answer.emotion == "anger"
    with pytest.raises(UnexpectedAnswerError, match="use the model's own labels"):
        read_answers(outputs | {"probabilities": np.eye(5, dtype=np.float32)[:1]}, None, [""], 1, 0.0)
