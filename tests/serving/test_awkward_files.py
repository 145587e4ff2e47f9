"""One verdict through every door: `check`, `prepare`, `predict`, both clients, and the server's byte signatures.

`VERDICTS` is the table. The byte signatures take mono PCM16 WAVs at 8 or 16 kHz and raw µ-law only, and know of what is
not speech only what stock TensorFlow ops can tell; the last two columns say where they therefore differ.
"""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import ser
from data_pipeline.quality.check import check
from data_pipeline.quality.findings import UNUSABLE, Kind
from serving.client import AsyncEmotionClient, EmotionAnswer, EmotionClient
from serving.client.channel import open_channel
from serving.errors import UnreadableAudioError
from serving.recognition.audio import CUT_OFF
from serving.status import RowFinding, RowStatus
from tests.awkward_files import CONTENTS, write_all

Status = RowStatus


@dataclass(frozen=True)
class Verdict:
    """What every door must say of a file.

    Attributes:
        reason: Words of the sentence that refuses it; empty if it is judged.
        kind: Finding of `ser data check`.
        wav: Status of `wav_bytes`.
        mulaw: Status of `mulaw_bytes`.
        finding: What is said with an answer.
    """

    reason: str
    kind: Kind | None
    wav: RowStatus
    mulaw: RowStatus
    finding: str = ""


VERDICTS = {
    "cut.wav": Verdict("", Kind.CUT_OFF, Status.OK, Status.NOT_MULAW, CUT_OFF),
    "size-0.wav": Verdict("", None, Status.OK, Status.NOT_MULAW),
    "no-total.flac": Verdict("", None, Status.NOT_WAV, Status.NOT_MULAW),
    "float-scaled.wav": Verdict("divide by 32,768", Kind.UNREADABLE, Status.UNSUPPORTED_ENCODING, Status.NOT_MULAW),
    "stereo-opposite.wav": Verdict("cancel each other", Kind.PARTIES, Status.UNSUPPORTED_CHANNELS, Status.NOT_MULAW),
    "stereo-two-parties.wav": Verdict("--track left", Kind.PARTIES, Status.UNSUPPORTED_CHANNELS, Status.NOT_MULAW),
    "noise.wav": Verdict("no speech", Kind.NO_SPEECH, Status.NO_SPEECH, Status.NOT_MULAW),
    "silence.wav": Verdict("is silent", Kind.SILENT, Status.SILENT, Status.NOT_MULAW),
    "dtmf.wav": Verdict("no speech", Kind.NO_SPEECH, Status.NO_SPEECH, Status.NOT_MULAW),
    # No stock op tells music from speech: the graph answers.
    "music.wav": Verdict("no speech", Kind.NO_SPEECH, Status.OK, Status.NOT_MULAW),
    "voice.m4a": Verdict("", None, Status.NOT_WAV, Status.NOT_MULAW),
    "voice.webm": Verdict("", None, Status.NOT_WAV, Status.NOT_MULAW),
    "voice.amr": Verdict("", None, Status.NOT_WAV, Status.NOT_MULAW),
    "picture.mp4": Verdict("", None, Status.NOT_WAV, Status.NOT_MULAW),
    "mute.mp4": Verdict("has no sound track", Kind.UNREADABLE, Status.NOT_WAV, Status.NOT_MULAW),
    "two-tracks.mp4": Verdict("holds 2 sound tracks", Kind.UNREADABLE, Status.NOT_WAV, Status.NOT_MULAW),
    "pointer.wav": Verdict("git lfs pull", Kind.UNREADABLE, Status.NOT_WAV, Status.NOT_MULAW),
    "page.mp3": Verdict("web page", Kind.UNREADABLE, Status.NOT_WAV, Status.NOT_MULAW),
    "empty.wav": Verdict("is empty", Kind.EMPTY, Status.EMPTY, Status.EMPTY),
    "one-sample.wav": Verdict("is shorter than 0.1 s", Kind.TOO_SHORT, Status.TOO_SHORT, Status.NOT_MULAW),
    "mulaw.wav": Verdict("", None, Status.UNSUPPORTED_ENCODING, Status.NOT_MULAW),
    "96-khz.wav": Verdict("", None, Status.UNSUPPORTED_RATE, Status.NOT_MULAW),
    "6-channels.wav": Verdict("6 channels that differ", Kind.PARTIES, Status.UNSUPPORTED_CHANNELS, Status.NOT_MULAW),
    # A pipe has no content that could be sent.
    "pipe.wav": Verdict("is a pipe", Kind.UNREADABLE, Status.OK, Status.OK),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    found = write_all(tmp_path_factory.mktemp("awkward"))
    assert found.keys() == VERDICTS.keys()
    return found


@pytest.fixture(scope="module")
def folder(files) -> Path:
    return next(iter(files.values())).parent


def assert_answered_as_the_table_says(name: str, answer: EmotionAnswer | Exception) -> None:
    verdict = VERDICTS[name]
    if verdict.reason:
        assert isinstance(answer, UnreadableAudioError), name
        assert name in str(answer)
        assert verdict.reason in str(answer)
    else:
        assert isinstance(answer, EmotionAnswer), f"{name}: {answer}"
        assert answer.finding == verdict.finding


def test_check(folder):
    found = check([str(folder)], workers=1)

    kinds = {
        recording.name: [one.kind for one in found.findings if one.place == place and one.kind in SAID]
        for place, recording in enumerate(found.recordings)
    }
    assert kinds == {name: [verdict.kind] if verdict.kind else [] for name, verdict in VERDICTS.items()}
    details = {found.recordings[one.place].name: one.detail for one in found.findings if one.kind in UNUSABLE}
    for name, verdict in VERDICTS.items():
        assert verdict.reason in details.get(name, ""), name


SAID = UNUSABLE | {Kind.CUT_OFF}
"""Findings that the other doors know of as well."""


def test_prepare(files, tmp_path):
    (tmp_path / "calls").mkdir()
    (tmp_path / "calls" / "angry").symlink_to(next(iter(files.values())).parent)
    command = ["data", "prepare", f"folders={tmp_path / 'calls'}", str(tmp_path / "out")]

    done = CliRunner().invoke(ser.app, command)

    assert done.exit_code == 0, done.output
    content = json.loads((tmp_path / "out" / "dataset.json").read_text())
    reasons = {Path(clip["file"]).name: clip["reason"] for clip in content["set_aside"]}
    assert sorted(reasons) == sorted(name for name, verdict in VERDICTS.items() if verdict.reason)
    for name, reason in reasons.items():
        assert VERDICTS[name].reason in reason, name
    assert content["cut_off"] == ["folders/angry/cut"]
    assert "cut off, 1 in all" in done.output


def test_predict(files, folder, models):
    done = CliRunner().invoke(ser.app, ["predict", str(folder), "--model", str(models / "ser"), "--json"])

    assert done.exit_code == 1
    answers = {Path(line["file"]).name: line for line in map(json.loads, done.stdout.splitlines())}
    assert answers.keys() == VERDICTS.keys()
    for name, verdict in VERDICTS.items():
        assert ("emotion" in answers[name]) == (not verdict.reason), answers[name]
        assert verdict.reason in answers[name].get("error", "")
        assert answers[name].get("finding", "") == verdict.finding


def test_the_client(files, server):
    with EmotionClient(server.address) as client:
        for name, answer in zip(files, client.recognise_all(files.values()), strict=True):
            assert_answered_as_the_table_says(name, answer)


def test_the_asynchronous_client(files, server):
    async def ask() -> list:
        async with AsyncEmotionClient(server.address) as client:
            return [answer async for answer in client.recognise_all(files.values())]

    for name, answer in zip(files, asyncio.run(ask()), strict=True):
        assert_answered_as_the_table_says(name, answer)


def test_content_without_a_name(files):
    from serving.recognition.audio import utterance_or_error

    for name in CONTENTS:
        verdict, answer = VERDICTS[name], utterance_or_error(files[name].read_bytes())
        assert isinstance(answer, Exception) == bool(verdict.reason), f"{name}: {answer}"
        assert verdict.reason in str(answer)


@pytest.mark.parametrize("signature", ["wav_bytes", "mulaw_bytes"])
def test_the_byte_signatures(files, server, signature):
    import grpc
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    from serving.tensors import to_array, write_tensor

    names = list(CONTENTS)
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "ser"
    request.model_spec.signature_name = signature
    write_tensor(request.inputs["audio"], np.array([files[name].read_bytes() for name in names], object))
    with open_channel(grpc, server.address, None, 1) as channel:
        outputs = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request).outputs
    column = "wav" if signature == "wav_bytes" else "mulaw"
    assert {name: RowStatus(status) for name, status in zip(names, to_array(outputs["status"]), strict=True)} == {
        name: getattr(VERDICTS[name], column) for name in names
    }
    findings = dict(zip(names, to_array(outputs["finding"]), strict=True))
    for name in names:
        told = VERDICTS[name].finding and getattr(VERDICTS[name], column) is RowStatus.OK
        assert findings[name] == (RowFinding.CUT_OFF if told else RowFinding.NONE), name


def test_raw_mulaw_is_heard_as_the_file_that_holds_it(files, server):
    """The same speech through the file's door and as bytes of a telephone stream."""
    import grpc
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    from serving.tensors import to_array, write_tensor

    content = files["mulaw.wav"].read_bytes()
    codes = content[content.index(b"data") + 8 :]
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "ser"
    request.model_spec.signature_name = "mulaw_bytes"
    write_tensor(request.inputs["audio"], np.array([codes], object))
    with open_channel(grpc, server.address, None, 1) as channel:
        outputs = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request).outputs
    with EmotionClient(server.address) as client:
        wanted = client.recognise(files["mulaw.wav"])
    np.testing.assert_allclose(to_array(outputs["probabilities"])[0], list(wanted.probabilities.values()), atol=1e-4)
