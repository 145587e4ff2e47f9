import io

import numpy as np
import soundfile
import tensorflow as tf

from serving.export.mulaw import expansion_table, read_mulaw

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


def test_a_shorter_row_is_followed_by_silence():
    waveform, num_samples = read_mulaw(tf.constant([EVERY_BYTE, b"\x00\x80", b""]))
    assert num_samples.numpy().tolist() == [256, 2, 0]
    assert waveform.shape == (3, 256)
    np.testing.assert_array_equal(waveform[0], expansion_table())
    np.testing.assert_array_equal(waveform[1, :2] * 32_768, [-32_124, 32_124])
    assert not np.any(waveform[1, 2:])
    assert not np.any(waveform[2])


def test_no_rows_give_no_rows():
    waveform, num_samples = read_mulaw(tf.constant([], tf.string))
    assert waveform.shape[0] == 0
    assert num_samples.shape == (0,)
