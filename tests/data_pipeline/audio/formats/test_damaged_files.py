"""Files that end early, do not say how long they are, or are something else: what is read, and what is said."""

import io
import struct

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.audio.decode import UnusableAudio, decode_bytes, decode_utterance
from serving.export.encoded_audio import read_wav
from serving.status import RowFinding, RowStatus
from tests import awkward_files
from tests.voice import voice


def written(container: str, coding: str, seconds: float = 2.0) -> bytes:
    rate = 8_000 if coding in ("GSM610", "G721_32") else 16_000
    return awkward_files.sound(voice(seconds, rate), rate, container, coding)


FORMATS = [
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("WAV", "ULAW"),
    ("WAV", "GSM610"),
    ("AIFF", "PCM_16"),
    ("AU", "PCM_16"),
    ("W64", "PCM_16"),
    ("RF64", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("MP3", "MPEG_LAYER_III"),
]


@pytest.mark.parametrize(("container", "coding"), FORMATS)
def test_a_file_cut_in_half_gives_what_is_there_and_says_so(container, coding):
    content = written(container, coding)
    whole, half = decode_bytes(content), decode_bytes(content[: len(content) // 2])

    assert not whole.is_cut_off
    assert half.is_cut_off
    assert 0.3 * len(whole.pcm) < len(half.pcm) < 0.6 * len(whole.pcm)
    heard = min(len(half.pcm), 8_000)
    assert np.corrcoef(half.pcm[:heard], whole.pcm[:heard])[0, 1] > 0.99


@pytest.mark.parametrize("coding", ["VORBIS", "OPUS"])
def test_an_ogg_cut_in_half_says_so(coding):
    # So long that it has several pages.
    content = written("OGG", coding, seconds=12.0)
    half = decode_bytes(content[: len(content) // 2])

    assert not decode_bytes(content).is_cut_off
    assert half.is_cut_off
    assert 2.0 < len(half.pcm) / 16_000 < 8.0


@pytest.mark.parametrize(
    ("name", "coding", "rate"),
    [("webm", "libopus", 48_000), ("amr", "libopencore_amrnb", 8_000), ("flv", "aac", 44_100), ("adts", "aac", 16_000)],
)
def test_a_container_cut_in_half_says_so(name, coding, rate):
    content = awkward_files.container(name, coding, rate)
    whole, half = decode_bytes(content), decode_bytes(content[: len(content) // 2])

    assert not whole.is_cut_off
    assert half.is_cut_off
    assert 0.2 * len(whole.pcm) < len(half.pcm) < 0.7 * len(whole.pcm)


def test_an_mp4_without_its_index_cannot_be_decoded():
    content = awkward_files.container("mp4", "aac")
    with pytest.raises(UnusableAudio, match="damaged, cut off or coded in an unknown way"):
        decode_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(("name", "coding", "rate"), [("mp4", "aac", 16_000), ("webm", "libopus", 48_000)])
def test_a_container_sounds_as_what_was_put_into_it(name, coding, rate):
    pcm = decode_bytes(awkward_files.container(name, coding, rate)).pcm
    wanted = np.abs(np.fft.rfft(voice(2.0), 32_000))
    assert 1.9 < len(pcm) / 16_000 < 2.2
    # Codecs change phases; what they keep is the spectrum.
    assert np.corrcoef(np.abs(np.fft.rfft(pcm, 32_000))[200:3_000], wanted[200:3_000])[0, 1] > 0.8


def test_a_coding_that_no_decoder_knows_is_one_sentence():
    content = bytearray(awkward_files.sound(voice(1.0)))
    struct.pack_into("<H", content, 20, 0x1234)
    with pytest.raises(UnusableAudio, match="in a coding that no decoder knows: convert it"):
        decode_bytes(bytes(content))


def test_a_clip_that_ends_before_the_damage_is_whole(tmp_path):
    (tmp_path / "call.wav").write_bytes(awkward_files.cut())
    assert decode_utterance(tmp_path / "call.wav").is_cut_off
    assert not decode_utterance(tmp_path / "call.wav", end=0.5).is_cut_off


@pytest.mark.parametrize(
    ("riff", "data", "samples"),
    [
        (0, 0, 16_000),
        (36, 0, 16_000),
        (0xFFFFFFFF, 0xFFFFFFFF, 16_000),
        (0xFFFFFFFF, 0, 16_000),
        (0x7FFFFFFF, 0x7FFFFFDB, 16_000),
        # A file that is as long as it says and has no samples, whatever follows.
        (32_036, 0, None),
    ],
)
def test_a_wav_without_a_size_is_read_to_its_end_as_the_graph_reads_it(riff, data, samples):
    content = bytearray(awkward_files.sound(voice(1.0)))
    struct.pack_into("<I", content, 4, riff)
    struct.pack_into("<I", content, 40, data)
    row = read_wav(tf.constant([bytes(content)]))
    if samples is None:
        assert row.status[0] == RowStatus.EMPTY
        with pytest.raises(UnusableAudio, match="holds no samples"):
            decode_bytes(bytes(content))
        return
    decoded = decode_bytes(bytes(content))
    assert (row.status[0], row.finding[0]) == (RowStatus.OK, RowFinding.NONE)
    assert not decoded.is_cut_off
    assert len(decoded.pcm) == row.num_samples[0] == samples
    np.testing.assert_array_equal(decoded.pcm, row.waveform[0].numpy() * 32_768)


@settings(deadline=None, max_examples=150)
@given(
    samples=st.integers(0, 40),
    rate=st.sampled_from([8_000, 16_000]),
    data=st.one_of(st.none(), st.integers(0, 200), st.sampled_from([0x7FFFEFFF, 0x7FFFF000, 0xFFFFFFFF])),
    riff=st.one_of(st.none(), st.integers(0, 200), st.sampled_from([0x7FFFF000, 0xFFFFFFFF])),
    cut=st.integers(0, 60),
    tail=st.sampled_from([b"", b"LIST\x04\x00\x00\x00INFO"]),
)
def test_decoder_and_graph_judge_any_wav_alike(samples, rate, data, riff, cut, tail):
    pcm = np.arange(1, samples + 1, dtype="<i2") * 100
    body = pcm.tobytes() + tail
    sizes = (36 + len(body) if riff is None else riff, 2 * samples if data is None else data)
    header = struct.pack(
        "<4sI4s4sIHHIIHH4s", b"RIFF", sizes[0], b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data"
    )
    content = (header + struct.pack("<I", sizes[1]) + body)[: 44 + max(0, len(body) - cut)]
    row = read_wav(tf.constant([content]))
    try:
        decoded = decode_bytes(content)
    except UnusableAudio:
        assert row.status[0] != RowStatus.OK
        return
    assert row.status[0] == RowStatus.OK
    assert decoded.is_cut_off == (row.finding[0] == RowFinding.CUT_OFF)
    assert len(decoded.pcm) == row.num_samples[0] * (16_000 // rate)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "run `git lfs pull`"),
        (b"/annex/objects/SHA256E-s9--0.wav\n", "run `git annex get`"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "XML"),
        (b"file,emotion\nx.wav,anger\n", "text file"),
        ("größer\n".encode() * 200, "text file"),
        (b"PK\x03\x04" + bytes(90), "ZIP"),
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(90), "picture"),
        (bytes(4_000), "zero bytes"),
        (np.random.default_rng(0).bytes(4_000), "no header that a decoder knows"),
        (b"RIFF\x00\x00\x00\x00WAVE", "damaged, cut off or coded in an unknown way"),
    ],
)
@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".flac", ".amr", ".gsm", ".raw"])
def test_what_is_no_audio_is_called_by_its_name(tmp_path, content, words, suffix):
    path = tmp_path / f"clip{suffix}"
    path.write_bytes(content)

    for read in (lambda: decode_utterance(path), lambda: decode_bytes(content)):
        with pytest.raises(UnusableAudio) as caught:
            read()
        assert caught.value.reason.startswith("cannot be decoded as audio: ")
        assert words in caught.value.reason
        assert "recognised" not in caught.value.reason


def test_libsndfile_and_ffmpeg_keep_silent(tmp_path, capfd):
    for content in (
        b"not audio",
        awkward_files.container("webm", "libopus", 48_000)[:9_000],
        written("MP3", "MPEG_LAYER_III")[:3_000],
    ):
        try:
            decode_bytes(content)
        except UnusableAudio:
            continue
    assert capfd.readouterr() == ("", "")


def test_a_long_mp3_that_was_cut_off(capfd):
    """Longer than those that are decoded in one go."""
    content = written("MP3", "MPEG_LAYER_III", seconds=100.0)
    assert len(content) > 2**18 + 2**16
    half = decode_bytes(content[: 2**18 + 2**15])
    assert half.is_cut_off
    assert not decode_bytes(content).is_cut_off
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, kind):
    import os
    import socket

    path = tmp_path / "call.wav"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
    with pytest.raises(UnusableAudio, match=f"is a {kind}, not a regular file"):
        decode_utterance(path)


@pytest.mark.parametrize("channels", [2, 6])
def test_a_stereo_container_has_tracks_too(channels):
    file = io.BytesIO()
    soundfile.write(file, np.stack([voice(1.0, seed=seed) for seed in range(channels)], axis=1), 16_000, format="FLAC")
    content = file.getvalue()
    with pytest.raises(UnusableAudio, match="channels that differ"):
        decode_bytes(content)
    left, right = decode_bytes(content, track="left").pcm, decode_bytes(content, track="right").pcm
    assert np.corrcoef(left, voice(1.0, seed=0))[0, 1] > 0.999
    assert np.corrcoef(right, voice(1.0, seed=1))[0, 1] > 0.999
