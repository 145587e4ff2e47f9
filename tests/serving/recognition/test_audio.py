import io
import re

import numpy as np
import pytest
import soundfile

from serving.errors import UnreadableAudioError
from serving.recognition import audio as module
from serving.recognition.audio import CUT_OFF, Samples, read_utterance, utterance_or_error
from tests.voice import voice


@pytest.fixture
def content() -> bytes:
    """The bytes of a FLAC file at 48 kHz, stereo."""
    file = io.BytesIO()
    soundfile.write(file, np.stack([voice(rate=48_000)] * 2, axis=1), 48_000, format="FLAC")
    return file.getvalue()


def pieces(content: bytes, size: int = 1_000):
    return (content[start : start + size] for start in range(0, len(content), size))


@pytest.mark.parametrize(
    "given",
    [bytes, bytearray, memoryview, io.BytesIO, pieces, lambda content: list(pieces(content))],
    ids=["bytes", "bytearray", "memoryview", "file object", "generator", "list"],
)
def test_bytes_in_any_form_are_read_as_the_file(given, content, tmp_path):
    path = tmp_path / "clip.mp3"
    path.write_bytes(content)
    wanted = read_utterance(path).waveform
    assert wanted.dtype == np.float32
    np.testing.assert_array_equal(read_utterance(given(content)).waveform, wanted)
    np.testing.assert_array_equal(read_utterance(str(path)).waveform, wanted)
    with path.open("rb") as file:
        np.testing.assert_array_equal(read_utterance(file).waveform, wanted)


def test_a_file_object_may_give_less_than_it_is_asked_for(content):
    class Slow(io.RawIOBase):
        def __init__(self):
            self.left = pieces(content, 7)

        def readable(self):
            return True

        def read(self, size=-1):
            return next(self.left, b"")

    np.testing.assert_array_equal(read_utterance(Slow()).waveform, read_utterance(content).waveform)


@pytest.mark.parametrize(
    ("audio", "sentence"),
    [
        (b"", "the audio is empty"),
        ([], "the audio is empty"),
        (io.BytesIO(b"this is text"), "the audio cannot be decoded as audio"),
        ("nowhere.wav", "nowhere.wav cannot be read"),
    ],
)
def test_what_is_no_audio_is_one_sentence(audio, sentence):
    with pytest.raises(UnreadableAudioError, match=sentence):
        read_utterance(audio)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.zeros(8_000), "is silent: no sample reaches 16 of 32,768"),
        (voice(0.3, 8_000)[:799], "is shorter than 0.1 s (0.100 s)"),
        (np.random.default_rng(0).normal(0, 0.1, 8_000), "holds no speech: what else is in it (noise, tones, music)"),
    ],
    ids=["silent", "short", "noise"],
)
def test_what_no_model_can_judge_is_refused_in_bytes_as_in_samples(values, sentence):
    file = io.BytesIO()
    soundfile.write(file, values, 8_000, format="WAV")
    for audio in (file.getvalue(), Samples(values, 8_000)):
        with pytest.raises(UnreadableAudioError, match=f"^the audio {re.escape(sentence)}"):
            read_utterance(audio)


def test_a_file_and_its_samples_are_heard_alike():
    file = io.BytesIO()
    speech = np.round(voice(1.0, 8_000) * 32_767).astype(np.int16)
    soundfile.write(file, speech, 8_000, format="WAV")
    heard = read_utterance(Samples(speech, 8_000)).waveform
    assert heard.shape == (16_000,)
    np.testing.assert_array_equal(read_utterance(file.getvalue()).waveform, heard)


def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes_and_says_so():
    file = io.BytesIO()
    soundfile.write(file, voice(2.0), 16_000, format="WAV")
    whole, part = read_utterance(file.getvalue()), read_utterance(file.getvalue()[: 44 + 2 * 16_000])
    assert (whole.finding, part.finding) == ("", CUT_OFF)
    np.testing.assert_array_equal(part.waveform, whole.waveform[:16_000])


def test_a_stream_that_breaks_off_is_one_sentence(content):
    def broken():
        yield content[:1_000]
        raise ConnectionResetError("peer is gone")

    with pytest.raises(UnreadableAudioError, match="cannot be read to its end \\(peer is gone\\)"):
        read_utterance(broken())


def test_a_stream_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "MAX_STREAM_BYTES", 10_000)
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield bytes(1_000)

    with pytest.raises(UnreadableAudioError, match="larger than"):
        read_utterance(endless())
    assert len(taken) == 11


@pytest.mark.parametrize("audio", [np.zeros(9), 7, ["text"], None])
def test_what_cannot_be_audio_is_a_defect_of_the_caller(audio):
    with pytest.raises(TypeError, match="Received: "):
        read_utterance(audio)
    with pytest.raises(TypeError):
        utterance_or_error(audio)


def test_names_of_file_objects_are_in_the_sentences(tmp_path):
    path = tmp_path / "clip.wav"
    path.write_text("this is text")
    with path.open("rb") as file:
        reason = utterance_or_error(file)
    assert isinstance(reason, UnreadableAudioError)
    assert str(reason).startswith(f"{path} cannot be decoded")
