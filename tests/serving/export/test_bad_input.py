"""For any input: the right status, no NaN, a server that keeps running, and other callers that are not affected."""

import itertools
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from data_pipeline.emotion import LABELS
from serving.client import (
    AudioRejectedError,
    EmotionAnswer,
    EmotionClient,
    RecognitionError,
    Samples,
    ServerError,
    UnreadableAudioError,
)
from serving.status import RowStatus
from serving.tensors import MAX_MESSAGE_BYTES, to_array, write_tensor
from tests.serving.client.fake_server import fake_server
from tests.serving.export.bad_input import Code, cases, good_wav, mulaw
from tests.voice import voice

METHOD = "/tensorflow.serving.PredictionService/Predict"
SEED = 5


@pytest.fixture(scope="module")
def predict(server):
    """Makes a call with given bytes. Returns its status code and the answer, if there is one."""
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(server.address, options=options) as channel:
        method = channel.unary_unary(METHOD)

        def call(request: bytes):
            try:
                return Code.OK, PredictResponse.FromString(method(request, timeout=60))
            except grpc.RpcError as error:
                return error.code(), None

        yield call


@pytest.fixture(scope="module")
def neighbours(server, clips):
    """Good callers, whose answers must not depend on other callers. Returns descriptions of differences."""
    with EmotionClient(server.address, concurrency=16) as client:
        alone = [client.recognise(Samples(clip, 16_000)).probabilities for clip in clips]

        def ask(number: int) -> list[str]:
            clip = number % len(clips)
            found = client.recognise(Samples(clips[clip], 16_000)).probabilities
            same = found == pytest.approx(alone[clip], abs=1e-4)
            return [] if same else [f"neighbour {number} has {found} instead of {alone[clip]}"]

        yield ask


def complaints(case, code, response) -> list[str]:
    """A description of what is wrong with an answer."""
    if code not in case.codes:
        return [f"{case.kind}: {code} instead of {case.codes}"]
    if response is None:
        return []
    if case.rows is None:
        return [f"{case.kind}: answered"]
    outputs = {name: to_array(tensor) for name, tensor in response.outputs.items()}
    found = []
    for row, (allowed, status) in enumerate(zip(case.rows, outputs["status"], strict=True)):
        probabilities = outputs["probabilities"][row]
        if status not in allowed:
            found.append(f"{case.kind}: row {row} has {status} instead of {allowed}")
        if not np.isfinite(probabilities).all() or not np.isfinite(outputs["confidence"][row]):
            found.append(f"{case.kind}: row {row} has probabilities {probabilities}")
        total, emotion = (1, LABELS[probabilities.argmax()]) if status == 0 else (0, "")
        if abs(probabilities.sum() - total) > 1e-4 or outputs["emotion"][row].decode() != emotion:
            found.append(f"{case.kind}: row {row} of status {status} says {probabilities} {outputs['emotion'][row]}")
    return found


def test_two_thousand_bad_requests_among_good_ones(predict, neighbours):
    drawn = cases(2_000, SEED)

    def ask(number: int) -> list[str]:
        found = complaints(drawn[number], *predict(drawn[number].request))
        return found + neighbours(number) if number % 4 == 0 else found

    with ThreadPoolExecutor(16) as callers:
        found = list(itertools.chain.from_iterable(callers.map(ask, range(len(drawn)))))
    assert not found, f"{len(found)} complaints, such as {Counter(found).most_common(5)}"


@pytest.mark.parametrize("signature", ["wav_bytes", "mulaw_bytes"])
def test_a_string_of_60_mb(predict, neighbours, signature):
    request = PredictRequest()
    request.model_spec.name = "ser"
    request.model_spec.signature_name = signature
    if signature == "wav_bytes":
        large, small = bytes(60_000_000), good_wav(np.random.default_rng(1))
    else:
        large, small = (mulaw(voice(seconds, 8_000)) for seconds in (60_000_000 / 400 / 8_000, 0.3))
    write_tensor(request.inputs["audio"], np.array([large, small], object))
    code, response = predict(request.SerializeToString())
    assert code == Code.OK
    status = to_array(response.outputs["status"])
    assert status.tolist() == [RowStatus.NOT_WAV if signature == "wav_bytes" else RowStatus.OK, RowStatus.OK]
    assert neighbours(0) == []


def test_a_message_beyond_the_limit(predict, neighbours):
    code, _ = predict(bytes(MAX_MESSAGE_BYTES + 1))
    assert code == Code.RESOURCE_EXHAUSTED
    assert neighbours(1) == []


def test_connections_that_break_off_or_never_read(server, neighbours):
    host, port = server.address.split(":")
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    settings = bytes.fromhex("000000040000000000")
    headers_to_come = bytes.fromhex("0003e8010400000001")
    sent = [
        b"",
        preface[:9],
        preface,
        preface + settings,
        preface + settings + headers_to_come,
        b"GET / HTTP/1.1\r\n\r\n",
    ]
    sent += [np.random.default_rng(number).bytes(200) for number in range(4)]
    opened = []
    for number, content in enumerate(sent * 5):
        connection = socket.create_connection((host, int(port)))
        connection.sendall(content)
        if number % 3 == 0:
            connection.shutdown(socket.SHUT_WR)
        elif number % 3 == 1:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        opened.append(connection)
    try:
        assert [neighbours(number) for number in range(5)] == [[]] * 5
    finally:
        for connection in opened:
            connection.close()
    assert neighbours(5) == []


@pytest.fixture(scope="module")
def client(server):
    with EmotionClient(server.address) as opened:
        yield opened


class TestTheClient:
    """Each error of the server is one typed exception."""

    def test_damaged_files(self, client):
        random = np.random.default_rng(SEED)
        audios = [damaged(random) for _ in range(300)]
        answers = list(client.recognise_all(audios))
        assert len(answers) == 300
        assert {type(answer) for answer in answers} <= {EmotionAnswer, UnreadableAudioError, AudioRejectedError}
        assert sum(isinstance(answer, UnreadableAudioError) for answer in answers) > 100
        assert all(str(answer) for answer in answers)

    def test_samples_that_cannot_be_judged(self, client, clips):
        bad = [np.zeros(0), np.array([np.nan]), np.array([0.1, np.inf]), np.full(9, 3e38)]
        answers = list(client.recognise_all(Samples(values, 16_000) for values in [clips[0], *bad, clips[1]]))
        assert [isinstance(answer, EmotionAnswer) for answer in answers][:4] == [True, False, False, False]
        assert isinstance(answers[-1], EmotionAnswer)
        for values in bad[:3]:
            with pytest.raises(RecognitionError):
                client.recognise(Samples(values, 16_000))

    @pytest.mark.parametrize(
        ("choice", "code"),
        [
            ({"model": "foo"}, Code.NOT_FOUND),
            ({"model": ""}, Code.INVALID_ARGUMENT),
            ({"version": 7}, Code.NOT_FOUND),
            ({"version_label": "canary"}, Code.INVALID_ARGUMENT),
        ],
    )
    def test_what_the_server_does_not_have(self, server, clips, choice, code):
        with EmotionClient(server.address, **choice) as client, pytest.raises(RecognitionError) as caught:
            client.recognise(Samples(clips[0], 16_000))
        assert caught.value.code == code

    @pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK])
    def test_every_code_of_grpc(self, clips, code):
        def refuse(request, context):
            context.abort(code, "because")

        with (
            fake_server(refuse) as address,
            EmotionClient(address, attempts=1) as client,
            pytest.raises(ServerError) as caught,
        ):
            client.recognise(Samples(clips[0], 16_000))
        assert caught.value.code == code


def damaged(random: np.random.Generator) -> bytes:
    """The bytes of a damaged WAV file."""
    audio = bytearray(good_wav(random))
    match random.integers(4):
        case 0:
            del audio[random.integers(len(audio)) :]
        case 1:
            for place in random.integers(0, 60, 4):
                audio[place] = random.integers(256)
        case 2:
            audio[:4] = random.bytes(4)
        case _:
            audio = bytearray(random.bytes(int(random.integers(0, 500))))
    return bytes(audio)
