"""Decoding: any container, rate and channel count to 16 kHz mono int16, or one sentence that says why not."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from data_pipeline.audio import audio_file
from data_pipeline.audio.decode import UnusableAudio, decode, read_audio, to_pcm
from data_pipeline.storage import join, storage_for


def tone(rate: int, seconds: float = 1.0, frequency: float = 440.0, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)


def assert_is_tone(pcm: np.ndarray, seconds: float = 1.0, frequency: float = 440.0, amplitude: float = 0.5) -> None:
    """The PCM is that sine: compared away from the edges, where resampling and coding ring."""
    expected = tone(16_000, seconds, frequency, amplitude)
    assert pcm.dtype == np.int16
    assert abs(len(pcm) - len(expected)) <= 1
    inner = slice(1_600, len(expected) - 1_600)
    assert np.abs(pcm[inner] / 32_768 - expected[inner]).max() < 2e-3


@given(arrays.arrays(np.int16, st.integers(1, 400), elements=st.integers(-32_768, 32_767)))
def test_pcm16_at_16_khz_comes_back_bit_for_bit(tmp_path_factory, pcm):
    path = tmp_path_factory.mktemp("pcm") / "clip.wav"
    soundfile.write(path, pcm, 16_000, subtype="PCM_16")

    np.testing.assert_array_equal(decode(path), pcm)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 24_414, 44_100, 48_000, 96_000])
def test_other_rates_are_converted(tmp_path, rate):
    soundfile.write(tmp_path / "clip.wav", tone(rate), rate)

    assert_is_tone(decode(tmp_path / "clip.wav"))


def test_what_lies_above_8_khz_is_not_folded_back(tmp_path):
    soundfile.write(tmp_path / "clip.wav", tone(48_000, frequency=12_000), 48_000)

    assert np.abs(decode(tmp_path / "clip.wav")[1_600:-1_600]).max() <= 2


def test_48_khz_stereo_24_bit_is_averaged_and_converted(tmp_path):
    stereo = np.stack([tone(48_000, amplitude=0.8), tone(48_000, amplitude=0.2)], axis=1)
    soundfile.write(tmp_path / "clip.wav", stereo, 48_000, subtype="PCM_24")

    assert_is_tone(decode(tmp_path / "clip.wav", track="mix"), amplitude=0.5)


@pytest.mark.parametrize(
    ("file", "kind", "subtype"),
    [
        ("clip.flac", "FLAC", "PCM_16"),
        ("clip.wav", "WAV", "ULAW"),
        ("clip.wav", "WAV", "FLOAT"),
        ("clip.wav", "WAV", "PCM_U8"),
        ("clip.wav", "AIFF", "PCM_16"),
        ("clip.wav", "FLAC", "PCM_24"),
    ],
)
def test_the_container_is_told_by_content(tmp_path, file, kind, subtype):
    soundfile.write(tmp_path / file, tone(16_000), 16_000, format=kind, subtype=subtype)

    pcm = decode(tmp_path / file)

    assert len(pcm) == 16_000
    assert np.corrcoef(pcm, tone(16_000))[0, 1] > 0.999


@pytest.mark.parametrize(
    ("file", "kind", "subtype"),
    [
        ("clip.wav", "WAV", "GSM610"),
        ("clip.wav", "WAV", "G721_32"),
        ("clip.au", "AU", "G721_32"),
        ("clip.au", "AU", "G723_24"),
        ("clip.au", "AU", "G723_40"),
    ],
)
def test_codings_of_telephony_in_which_nobody_can_seek_are_read_whole_and_in_part(tmp_path, file, kind, subtype):
    path = tmp_path / file
    soundfile.write(path, tone(8_000, frequency=300), 8_000, format=kind, subtype=subtype)

    whole, part = decode(path), decode(path, start=0.5, end=0.75)

    # The last frame is filled up.
    assert 16_000 <= len(whole) <= 16_640
    assert np.corrcoef(whole[:16_000], tone(16_000, frequency=300))[0, 1] > 0.99
    assert np.abs(part[200:-200].astype(int) - whole[8_200:11_800]).max() <= 2


def test_a_gsm_recording_cut_off_in_the_middle_gives_what_is_there(tmp_path):
    soundfile.write(tmp_path / "clip.wav", tone(8_000), 8_000, subtype="GSM610")
    content = (tmp_path / "clip.wav").read_bytes()
    (tmp_path / "clip.wav").write_bytes(content[: len(content) // 2])

    assert 7_000 < len(decode(tmp_path / "clip.wav")) < 9_000


@pytest.mark.parametrize("file", ["clip.mp3", "renamed.wav"])
def test_an_mp3_is_read_whatever_its_name(tmp_path, file):
    soundfile.write(tmp_path / "made.mp3", tone(16_000), 16_000, format="MP3")
    path = (tmp_path / "made.mp3").rename(tmp_path / file)

    pcm = decode(path)

    # Coding delays and pads the signal, so that its spectrum is compared.
    assert 16_000 <= len(pcm) < 20_000
    spectrum = np.abs(np.fft.rfft(pcm[4_000:12_000]))
    assert np.argmax(spectrum) * 2 == 440
    assert 0.9 < pcm.max() / 16_384 < 1.1


def test_an_mp3_longer_than_any_buffer_is_read_in_one_piece(speech_data):
    # 5 s, decoded by libsndfile in a single call: reading it in parts changes samples at the seams.
    path = max((speech_data / "crema_d" / "AudioMP3").glob("1001_*.mp3"), key=lambda path: path.stat().st_size)
    whole, _ = soundfile.read(path, dtype="int16")

    assert np.abs(decode(path).astype(int) - whole).max() <= 1


@pytest.mark.parametrize(
    ("suffix", "rate", "channels"), [("wav", 16_000, 3), ("wav", 44_100, 2), ("mp3", 44_100, 1), ("ogg", 48_000, 2)]
)
def test_a_file_decoded_in_blocks_gives_the_same_samples(tmp_path, monkeypatch, suffix, rate, channels):
    path = tmp_path / f"clip.{suffix}"
    noise = np.random.default_rng(0).standard_normal((3 * rate, channels))
    soundfile.write(path, noise if suffix == "wav" else 0.1 * noise, rate)
    whole = to_pcm(read_audio(path), "mix")

    monkeypatch.setattr(audio_file, "_BLOCK", 10_007)

    np.testing.assert_array_equal(decode(path, track="mix"), whole)


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "wav"])
def test_a_part_is_what_the_whole_has_there(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"clip.{suffix}"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(80_000), 16_000)
    whole = decode(path)

    # As if it lay far behind.
    monkeypatch.setattr(audio_file, "_BLOCK", 1_009)

    np.testing.assert_array_equal(decode(path, start=3.1, end=4.2), whole[49_600:67_200])


def test_values_that_are_not_finite_are_found_in_later_blocks(tmp_path, monkeypatch):
    waveform = tone(16_000)
    waveform[-1] = np.nan
    soundfile.write(tmp_path / "clip.wav", waveform, 16_000, subtype="FLOAT")
    monkeypatch.setattr(audio_file, "_BLOCK", 1_000)

    assert "not finite" in refusal(tmp_path / "clip.wav").reason


MEASURE = """
import sys
from pathlib import Path
from data_pipeline.audio.decode import decode
decode(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
# Not getrusage's figure, which knows of the process that started this one too.
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize(
    ("suffix", "rate", "seconds", "start", "end"), [("wav", 96_000, 120, 0, 120), ("mp3", 16_000, 300, 295, 299)]
)
def test_memory_grows_with_neither_rate_nor_place(tmp_path, suffix, rate, seconds, start, end):
    path, brief = tmp_path / f"clip.{suffix}", tmp_path / f"brief.{suffix}"
    second = np.zeros((rate, 2))
    soundfile.write(brief, second, rate)
    with soundfile.SoundFile(path, "w", rate, 2) as file:
        for _ in range(seconds):
            file.write(second)

    def peak(path: Path, start: float, end: float) -> int:
        command = [sys.executable, "-c", MEASURE, str(path), str(start), str(end)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    # In KiB. All of the file in float32 would take 36 MiB and more.
    assert peak(path, start, end) - peak(brief, 0, 1) < 24 * 1024


def test_beyond_full_scale_is_clipped_not_wrapped(tmp_path):
    soundfile.write(tmp_path / "clip.wav", np.array([1.5, -1.5, 1.0, -1.0]), 16_000, subtype="FLOAT")

    assert decode(tmp_path / "clip.wav").tolist() == [32_767, -32_768, 32_767, -32_768]


def refusal(path, **options) -> UnusableAudio:
    with pytest.raises(UnusableAudio) as caught:
        decode(path, **options)
    assert str(caught.value) == f"{path} {caught.value.reason}"
    return caught.value


def test_a_missing_file(tmp_path):
    assert "No such file" in refusal(tmp_path / "gone.wav").reason


def test_a_clip_that_its_file_is_too_short_for(tmp_path):
    soundfile.write(tmp_path / "clip.wav", tone(16_000, seconds=0.5), 16_000)

    assert refusal(tmp_path / "clip.wav", start=0.3, end=99, must_reach_end=True).reason == (
        "lasts 0.50 s and ends before 99 s, where this clip should"
    )
    assert len(decode(tmp_path / "clip.wav", start=0.3, end=0.59, must_reach_end=True)) == 3_200
    assert len(decode(tmp_path / "clip.wav", start=0.3, end=99)) == 3_200


def test_a_name_that_is_not_utf_8(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    soundfile.write(tmp_path / "clip.wav", tone(16_000), 16_000)
    (tmp_path / "clip.wav").rename(path)
    (file,) = storage_for(str(tmp_path)).walk(str(tmp_path))

    assert refusal(file.location).reason == "has a name that is not UTF-8: rename it"
    assert len(decode(path)) == 16_000


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """A remote folder."""
    pytest.importorskip("apache_beam")
    from tests.data_pipeline.storage import bucket

    monkeypatch.setenv(bucket.ROOT_VARIABLE, str(tmp_path))
    (tmp_path / "calls").mkdir()
    soundfile.write(tmp_path / "calls" / "clip.wav", tone(16_000), 16_000)
    return "bucket://calls"


def test_a_remote_file_is_read(bucket):
    assert_is_tone(decode(join(bucket, "clip.wav")))


def test_a_remote_file_that_the_store_refuses(bucket):
    assert refusal(join(bucket, "gone.wav")).reason.startswith("cannot be read (")


def test_a_remote_file_too_large_for_memory(bucket, monkeypatch):
    monkeypatch.setattr(audio_file, "_LARGEST_OBJECT", 2_000)

    assert "is larger than" in refusal(join(bucket, "clip.wav")).reason


def test_a_zero_byte_file(tmp_path):
    (tmp_path / "clip.wav").touch()

    assert refusal(tmp_path / "clip.wav").reason == "is empty (zero bytes)"


def test_a_header_without_samples(tmp_path):
    soundfile.write(tmp_path / "clip.wav", np.zeros(0), 44_100)

    assert refusal(tmp_path / "clip.wav").reason == "holds no samples"


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".flac", ".ogg", ".raw", ".gsm", ".vox", ""])
def test_a_text_file_under_any_name(tmp_path, suffix):
    path = tmp_path / f"clip{suffix}"
    path.write_text("This is not a recording. " * 400)

    assert refusal(path).reason.startswith("cannot be decoded as audio")


@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_noise_of_bytes(tmp_path, suffix):
    path = tmp_path / f"clip{suffix}"
    path.write_bytes(np.random.default_rng(0).bytes(20_000))

    assert refusal(path).reason.startswith("cannot be decoded as audio")


def test_a_folder_in_place_of_a_file(tmp_path):
    assert "cannot be" in refusal(tmp_path).reason


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    soundfile.write(tmp_path / "clip.wav", tone(16_000), 16_000)
    (tmp_path / "clip.wav").chmod(0)

    assert "cannot be" in refusal(tmp_path / "clip.wav").reason


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_values_that_are_not_finite(tmp_path, value, rate):
    waveform = tone(rate)
    waveform[100] = value
    soundfile.write(tmp_path / "clip.wav", waveform, rate, subtype="FLOAT")

    assert "not finite" in refusal(tmp_path / "clip.wav").reason


def test_a_double_too_large_for_a_float(tmp_path):
    soundfile.write(tmp_path / "clip.wav", np.full(1_600, 1e300), 16_000, subtype="DOUBLE")

    assert "not finite" in refusal(tmp_path / "clip.wav").reason


def test_a_recording_of_hours_is_refused_unread(tmp_path):
    soundfile.write(tmp_path / "clip.wav", tone(16_000, seconds=2.0), 16_000)

    assert refusal(tmp_path / "clip.wav", longest=1.5).reason.startswith("lasts longer than 1.5 s")
    assert len(decode(tmp_path / "clip.wav", longest=2.0)) == 32_000


@pytest.mark.parametrize("rate", [1, 999, 2_000_000_000])
def test_a_sampling_rate_that_no_recording_has(tmp_path, rate):
    soundfile.write(tmp_path / "clip.wav", tone(16_000), 16_000)
    content = bytearray((tmp_path / "clip.wav").read_bytes())
    struct.pack_into("<I", content, 24, rate)
    (tmp_path / "clip.wav").write_bytes(content)

    assert f"sampling rate of {rate:,} Hz" in refusal(tmp_path / "clip.wav").reason


def test_a_flac_header_that_claims_hours_costs_no_memory(tmp_path):
    soundfile.write(tmp_path / "clip.flac", tone(16_000), 16_000)
    content = bytearray((tmp_path / "clip.flac").read_bytes())
    # STREAMINFO begins after "fLaC" and the block header; its last 36 bits before the MD5 count the samples.
    content[21] |= 0x0F
    content[22:26] = b"\xff\xff\xff\xff"
    (tmp_path / "clip.flac").write_bytes(content)

    assert "lasts longer" in refusal(tmp_path / "clip.flac").reason


def test_a_wav_cut_off_in_the_middle_gives_what_is_there(tmp_path):
    soundfile.write(tmp_path / "clip.wav", tone(16_000), 16_000)
    content = (tmp_path / "clip.wav").read_bytes()
    (tmp_path / "clip.wav").write_bytes(content[: 44 + 2 * 9_000])

    assert len(decode(tmp_path / "clip.wav")) == 9_000
