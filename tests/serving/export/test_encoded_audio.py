import base64
import io
import struct

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.export.encoded_audio import expansion_table, read_mulaw, read_wav
from serving.status import RowFinding, RowStatus

PCM = np.array([0, 1, -1, 1_000, -32_768, 32_767, 12, 13], "<i2")
PCM_SUBFORMAT = bytes.fromhex("0100000000001000800000aa00389b71")
read = tf.function(read_wav, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    size = len(content) if size is None else size
    return name + struct.pack("<I", size) + content + b"\0" * (len(content) % 2)


def format_chunk(rate=16_000, *, encoding=1, channels=1, bits=16, extra=b"") -> bytes:
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", encoding, channels, rate, rate * block % 2**32, block, bits) + extra)


def extensible(rate=16_000, subformat=PCM_SUBFORMAT) -> bytes:
    return format_chunk(rate, encoding=0xFFFE, extra=struct.pack("<HHI", 22, 16, 4) + subformat)


def wav(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def data_chunk(size: int | None = None, pcm=PCM) -> bytes:
    return chunk(b"data", pcm.tobytes(), size)


def read_one(audio: bytes):
    """Status, samples as int16 values, and sampling rate of one file."""
    rows = read(tf.constant([audio]))
    samples = rows.waveform.numpy()[0, : int(rows.num_samples[0])] * 32_768
    return RowStatus(int(rows.status[0])), samples.tolist(), int(rows.sample_rate[0])


def finding_of(audio: bytes) -> RowFinding:
    return RowFinding(int(read(tf.constant([audio])).finding[0]))


def refused(audio: bytes) -> RowStatus:
    status, samples, _ = read_one(audio)
    assert samples == []
    assert finding_of(audio) is RowFinding.NONE
    return status


@pytest.mark.parametrize("rate", [8_000, 16_000])
@pytest.mark.parametrize("container", ["WAV", "WAVEX"])
def test_what_libsndfile_writes_is_read_exactly(rate, container):
    file = io.BytesIO()
    soundfile.write(file, PCM, rate, format=container, subtype="PCM_16")
    assert read_one(file.getvalue()) == (RowStatus.OK, PCM.tolist(), rate)


@pytest.mark.parametrize(
    "audio",
    [
        wav(format_chunk(), data_chunk()),
        wav(extensible(), data_chunk()),
        wav(format_chunk(extra=b"\0\0"), data_chunk()),
        wav(chunk(b"JUNK", bytes(28)), format_chunk(), chunk(b"LIST", b"INFOx"), data_chunk()),
        wav(chunk(b"odd ", b"123"), format_chunk(), chunk(b"odd ", b"1"), data_chunk()),
        wav(format_chunk(), chunk(b"fact", b"\0" * 4), data_chunk(), chunk(b"LIST", b"after the samples!")),
        wav(format_chunk(), *[chunk(b"none", b"")] * 50, data_chunk()),
        wav(format_chunk(), data_chunk(size=0xFFFF_FFFF)),
        wav(format_chunk(), data_chunk(size=0x7FFF_F000)),
        wav(format_chunk(), data_chunk(size=0), size=0),
        wav(format_chunk(), data_chunk(size=0), size=0x7FFF_F024),
        wav(format_chunk(), data_chunk(size=0), size=0xFFFF_FFFF),
        wav(format_chunk(), data_chunk()) + b"trailing bytes",
        wav(format_chunk(), data_chunk(), size=0xFFFF_FFFF),
        wav(format_chunk(), chunk(b"data", PCM.tobytes() + b"h", 2 * len(PCM) + 1)),
    ],
    ids=[
        "plain", "extensible", "18-byte format", "chunks before", "odd chunks", "chunks after", "many chunks",
        "ffmpeg stream", "sox stream", "stream of sizes 0 and 0", "stream of size 0 in sox's",
        "stream of size 0 in ffmpeg's", "trailing bytes", "RIFF size unknown",
        "half a sample",
    ],
)  # fmt: skip
def test_every_way_to_write_the_same_samples_is_read(audio):
    assert read_one(audio) == (RowStatus.OK, PCM.tolist(), 16_000)
    assert finding_of(audio) is RowFinding.NONE


@pytest.mark.parametrize(
    ("audio", "there"),
    [
        (wav(format_chunk(), data_chunk())[:-2], 7),
        (wav(format_chunk(), data_chunk())[:-3], 6),
        (wav(format_chunk(), data_chunk())[:46], 1),
        (wav(format_chunk(), data_chunk(size=0x7FFF_EFFF)), 8),
    ],
    ids=["a sample is missing", "half a sample is left", "a sample is left", "a size that is no stream's"],
)
def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes_and_says_so(audio, there):
    assert read_one(audio) == (RowStatus.OK, PCM[:there].tolist(), 16_000)
    assert finding_of(audio) is RowFinding.CUT_OFF


@pytest.mark.parametrize(
    ("audio", "status"),
    [
        (b"", RowStatus.EMPTY),
        (b"\0", RowStatus.NOT_WAV),
        (b"this is a text file and no audio at all", RowStatus.NOT_WAV),
        (b"ID3\x04" + bytes(range(256)), RowStatus.NOT_WAV),
        (b"RIFF\x24\0\0\0AVI " + bytes(64), RowStatus.NOT_WAV),
        (b"RF64" + wav(format_chunk(), data_chunk())[4:], RowStatus.NOT_WAV),
        (b"RIFF\x24\0\0\0WAVE", RowStatus.INCOMPLETE_HEADER),
        (wav(format_chunk()), RowStatus.INCOMPLETE_HEADER),
        (wav(data_chunk()), RowStatus.INCOMPLETE_HEADER),
        (wav(chunk(b"fmt ", b"\1\0\1\0"), data_chunk()), RowStatus.INCOMPLETE_HEADER),
        (wav(format_chunk(), data_chunk())[:30], RowStatus.INCOMPLETE_HEADER),
        (wav(format_chunk(), *[chunk(b"none", b"")] * 1_000, data_chunk()), RowStatus.INCOMPLETE_HEADER),
        (wav(format_chunk(encoding=3, bits=32), data_chunk()), RowStatus.UNSUPPORTED_ENCODING),
        (wav(format_chunk(encoding=7, bits=8), data_chunk()), RowStatus.UNSUPPORTED_ENCODING),
        (wav(format_chunk(bits=24), data_chunk()), RowStatus.UNSUPPORTED_ENCODING),
        (wav(format_chunk(bits=8), data_chunk()), RowStatus.UNSUPPORTED_ENCODING),
        (wav(extensible(subformat=b"\3" + PCM_SUBFORMAT[1:]), data_chunk()), RowStatus.UNSUPPORTED_ENCODING),
        (wav(format_chunk(encoding=0xFFFE), data_chunk()), RowStatus.UNSUPPORTED_ENCODING),
        (wav(format_chunk(channels=2), data_chunk()), RowStatus.UNSUPPORTED_CHANNELS),
        (wav(format_chunk(channels=0), data_chunk()), RowStatus.UNSUPPORTED_CHANNELS),
        (wav(format_chunk(44_100), data_chunk()), RowStatus.UNSUPPORTED_RATE),
        (wav(format_chunk(0xFFFF_FFFF), data_chunk()), RowStatus.UNSUPPORTED_RATE),
        (wav(format_chunk(), data_chunk())[:44], RowStatus.EMPTY),
        (wav(format_chunk(), data_chunk(pcm=PCM[:0])), RowStatus.EMPTY),
        (wav(format_chunk(), data_chunk(pcm=PCM[:0]), chunk(b"LIST", b"INFOISFT words")), RowStatus.EMPTY),
        (wav(format_chunk(), data_chunk(size=0), size=0x7FFF_EFFF), RowStatus.EMPTY),
        (wav(format_chunk(), data_chunk(pcm=PCM[:0]), size=0), RowStatus.EMPTY),
        (wav(format_chunk(), data_chunk(size=0xFFFF_FFFF, pcm=PCM[:0])), RowStatus.EMPTY),
        (wav(format_chunk(), data_chunk(size=1)), RowStatus.EMPTY),
    ],
)
def test_what_cannot_be_read_gets_its_own_status(audio, status):
    assert refused(audio) == status


def test_a_48_khz_stereo_24_bit_file_is_refused():
    file = io.BytesIO()
    soundfile.write(file, np.zeros((100, 2)), 48_000, format="WAV", subtype="PCM_24")
    assert refused(file.getvalue()) == RowStatus.UNSUPPORTED_ENCODING


def test_rows_of_different_rates_and_lengths_and_broken_ones_share_a_batch():
    short = wav(format_chunk(8_000), data_chunk(pcm=PCM[:3]))
    rows = read(tf.constant([wav(format_chunk(), data_chunk()), b"junk", short, b""]))
    assert rows.status.numpy().tolist() == [
        RowStatus.OK, RowStatus.NOT_WAV, RowStatus.OK, RowStatus.EMPTY
    ]  # fmt: skip
    assert rows.num_samples.numpy().tolist() == [8, 0, 3, 0]
    assert rows.sample_rate.numpy().tolist() == [16_000, 16_000, 8_000, 16_000]
    padded = np.zeros((4, 8))
    padded[0], padded[2, :3] = PCM, PCM[:3]
    np.testing.assert_array_equal(rows.waveform * 32_768, padded)


def test_no_rows_give_no_rows():
    rows = read(tf.constant([], tf.string))
    assert rows.waveform.shape[0] == 0
    assert rows.status.shape == rows.finding.shape == rows.num_samples.shape == rows.sample_rate.shape == (0,)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.tuples(
                st.sampled_from([wav(extensible(), data_chunk()), wav(format_chunk(8_000), data_chunk())]),
                st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=6),
                st.integers(0, 100),
            ),
        ),
        max_size=4,
    )
)
def test_no_bytes_whatever_raise(rows):
    """Arbitrary bytes, and good files with some bytes changed or the end cut off."""
    files = [row if isinstance(row, bytes) else damage(*row) for row in rows]
    got = read(tf.constant(files, tf.string))
    for status, num_samples in zip(got.status.numpy(), got.num_samples.numpy(), strict=True):
        assert (RowStatus(status) == RowStatus.OK) == (num_samples > 0)


def damage(audio: bytes, changes: list[tuple[int, int]], length: int) -> bytes:
    damaged = bytearray(audio)
    for place, value in changes:
        if place < len(damaged):
            damaged[place] = value
    return bytes(damaged[:length])


EVERY_BYTE = bytes(range(256))


def test_every_byte_is_expanded_as_libsndfile_does():
    reference, _ = soundfile.read(
        io.BytesIO(EVERY_BYTE), format="RAW", subtype="ULAW", channels=1, samplerate=8_000, dtype="int16"
    )
    np.testing.assert_array_equal(expansion_table() * 32_768, reference)


def test_the_table_has_the_values_of_the_recommendation():
    # G.711, table 2: 14-bit magnitudes 8,031 (the largest), 4,191 and 0, here as 16-bit ones; both zeros.
    table = expansion_table() * 32_768
    assert [table[code] for code in (0x80, 0x8F, 0xFF, 0x7F, 0x00)] == [32_124, 16_764, 0, 0, -32_124]


def test_a_shorter_row_of_mulaw_is_followed_by_silence():
    waveform, num_samples, status = read_mulaw(tf.constant([EVERY_BYTE, b"\x00\x80", b""]))
    assert num_samples.numpy().tolist() == [256, 2, 0]
    assert status.numpy().tolist() == [RowStatus.OK, RowStatus.OK, RowStatus.EMPTY]
    assert waveform.shape == (3, 256)
    np.testing.assert_array_equal(waveform[0], expansion_table())
    np.testing.assert_array_equal(waveform[1, :2] * 32_768, [-32_124, 32_124])
    assert not np.any(waveform[1, 2:])
    assert not np.any(waveform[2])


def test_no_rows_of_mulaw_give_no_rows():
    waveform, num_samples, status = read_mulaw(tf.constant([], tf.string))
    assert waveform.shape[0] == 0
    assert num_samples.shape == status.shape == (0,)


@pytest.mark.parametrize(
    "audio",
    [
        wav(format_chunk(8_000), data_chunk()),
        b"OggS" + EVERY_BYTE,
        b"\0\0\0\x20ftypM4A " + EVERY_BYTE,
        base64.b64encode(EVERY_BYTE),
        b'{"audio": "f39/f39/"}\r\n',
    ],
    ids=["WAV", "Ogg", "M4A", "base64", "JSON"],
)
def test_files_and_text_are_not_taken_for_mulaw(audio):
    _, _, status = read_mulaw(tf.constant([audio, EVERY_BYTE]))
    assert status.numpy().tolist() == [RowStatus.NOT_MULAW, RowStatus.OK]
