import io

import numpy as np
import pytest
import soundfile

from data_pipeline.audio.decode import decode, read_audio
from data_pipeline.audio.formats.mp3 import LARGEST_MP3, Mp3, is_mp3


def voice(rate: int, seconds: float = 1.5, channels: int = 1) -> np.ndarray:
    times = np.arange(int(rate * seconds)) / rate
    tone = 0.3 * np.sin(2 * np.pi * 220 * times) * (1 + np.sin(2 * np.pi * 3 * times))
    return np.stack([tone * (1 - 0.5 * channel) for channel in range(channels)], axis=1)


def mp3(rate: int = 16_000, seconds: float = 1.5, channels: int = 1) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, voice(rate, seconds, channels), rate, format="MP3")
    return file.getvalue()


def tag(size: int) -> bytes:
    return b"ID3\x04\x00\x00" + bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0)) + bytes(size)


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (16_000, 2), (8_000, 1), (44_100, 2), (48_000, 1)])
def test_samples_are_those_of_libsndfile(rate, channels):
    content = mp3(rate, channels=channels)
    ours = Mp3(content)
    theirs, theirs_rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    assert (ours.samplerate, ours.channels) == (theirs_rate, channels)
    np.testing.assert_allclose(ours.read_frames(ours.frames), theirs, atol=2 / 32_768)


def test_a_part_is_the_same_stretch_of_the_whole(tmp_path):
    path = tmp_path / "clip.mp3"
    path.write_bytes(mp3())
    whole = decode(path)
    np.testing.assert_array_equal(decode(path, 0.25, 1.0), whole[4_000:16_000])
    assert read_audio(path).format == "MPEG MPEG_LAYER_III"


def test_a_file_too_large_to_be_decoded_at_once_gives_the_same(tmp_path):
    content = mp3()
    path, larger = tmp_path / "clip.mp3", tmp_path / "larger.mp3"
    path.write_bytes(content)
    larger.write_bytes(tag(LARGEST_MP3) + content)
    np.testing.assert_allclose(decode(larger), decode(path), atol=2)


@pytest.mark.parametrize("size", [0, 5, 127, 128, 3_000])
def test_a_tag_before_the_first_frame_is_passed_over(size):
    assert is_mp3(tag(size) + mp3())
    assert not is_mp3(tag(size) + b"fLaC" + bytes(100))


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"ID3", b"RIFF" + bytes(40), b"\xff\xf1" + bytes(40), b"\xff\xfd" + bytes(40), b"\xff\x00"],
    ids=["empty", "one byte", "cut tag", "wav", "AAC", "layer II", "no frame"],
)
def test_other_content_is_no_mp3(content):
    assert not is_mp3(content)
