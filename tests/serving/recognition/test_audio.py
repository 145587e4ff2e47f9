import io

import numpy as np
import pytest
import soundfile

from serving.errors import UnreadableAudioError
from serving.recognition import audio as module
from serving.recognition.audio import Samples, read_waveform, waveform_or_error


@pytest.fixture
def content(clips) -> bytes:
    """The bytes of a FLAC file at 48 kHz, stereo."""
    file = io.BytesIO()
    soundfile.write(file, np.stack([clips[6], clips[6]], axis=1) / 2, 48_000, format="FLAC")
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
    wanted = read_waveform(path)
    assert wanted.dtype == np.float32
    np.testing.assert_array_equal(read_waveform(given(content)), wanted)
    np.testing.assert_array_equal(read_waveform(str(path)), wanted)
    with path.open("rb") as file:
        np.testing.assert_array_equal(read_waveform(file), wanted)


def test_a_file_object_may_give_less_than_it_is_asked_for(content):
    class Slow(io.RawIOBase):
        def __init__(self):
            self.left = pieces(content, 7)

        def readable(self):
            return True

        def read(self, size=-1):
            return next(self.left, b"")

    np.testing.assert_array_equal(read_waveform(Slow()), read_waveform(content))


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
        read_waveform(audio)


def test_silence_in_bytes_is_refused_as_in_a_file_and_in_samples_is_not():
    file = io.BytesIO()
    soundfile.write(file, np.zeros(16_000), 16_000, format="WAV")
    with pytest.raises(UnreadableAudioError, match="the audio is silent"):
        read_waveform(file.getvalue())
    assert read_waveform(Samples(np.zeros(8_000), 8_000)).shape == (16_000,)


def test_a_stream_that_breaks_off_is_one_sentence(content):
    def broken():
        yield content[:1_000]
        raise ConnectionResetError("peer is gone")

    with pytest.raises(UnreadableAudioError, match="cannot be read to its end \\(peer is gone\\)"):
        read_waveform(broken())


def test_a_stream_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "MAX_STREAM_BYTES", 10_000)
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield bytes(1_000)

    with pytest.raises(UnreadableAudioError, match="larger than"):
        read_waveform(endless())
    assert len(taken) == 11


@pytest.mark.parametrize("audio", [np.zeros(9), 7, ["text"], None])
def test_what_cannot_be_audio_is_a_defect_of_the_caller(audio):
    with pytest.raises(TypeError, match="Received: "):
        read_waveform(audio)
    with pytest.raises(TypeError):
        waveform_or_error(audio)


def test_names_of_file_objects_are_in_the_sentences(tmp_path):
    path = tmp_path / "clip.wav"
    path.write_text("this is text")
    with path.open("rb") as file:
        reason = waveform_or_error(file)
    assert isinstance(reason, UnreadableAudioError)
    assert str(reason).startswith(f"{path} cannot be decoded")
