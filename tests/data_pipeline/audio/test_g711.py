import io

import numpy as np
import pytest
import soundfile

from data_pipeline.audio import g711

SUBTYPES = {"mulaw": "ULAW", "alaw": "ALAW"}
EVERY_SAMPLE = np.arange(-32_768, 32_768).astype(np.int16)
EVERY_CODE = np.arange(256).astype(np.uint8)


@pytest.mark.parametrize("law", g711.LAWS)
def test_every_sample_is_coded_as_libsndfile_does(law):
    file = io.BytesIO()
    soundfile.write(file, EVERY_SAMPLE, 8_000, format="RAW", subtype=SUBTYPES[law])
    np.testing.assert_array_equal(g711.encode(EVERY_SAMPLE, law), np.frombuffer(file.getvalue(), np.uint8))


@pytest.mark.parametrize("law", g711.LAWS)
def test_every_code_is_expanded_as_libsndfile_does(law):
    file = io.BytesIO(EVERY_CODE.tobytes())
    wanted, _ = soundfile.read(file, format="RAW", subtype=SUBTYPES[law], channels=1, samplerate=8_000, dtype="int16")
    np.testing.assert_array_equal(g711.decode(EVERY_CODE, law), wanted)


@pytest.mark.parametrize("law", g711.LAWS)
def test_a_second_way_over_the_line_changes_nothing(law):
    once = g711.decode(g711.encode(EVERY_SAMPLE, law), law)
    np.testing.assert_array_equal(g711.decode(g711.encode(once, law), law), once)
    np.testing.assert_array_equal(g711.round_trip_table(law), once)


@pytest.mark.parametrize(("law", "largest", "silence"), [("mulaw", 32_124, 0), ("alaw", 32_256, 8)])
def test_the_values_are_those_of_the_recommendation(law, largest, silence):
    # Tables 1a and 2a of G.711: 4,032 of 13 bits and 8,031 of 14, here of 16; the A-law has no zero.
    ends = g711.decode(g711.encode(np.array([32_767, 0, -32_768], np.int16), law), law)
    assert ends.tolist() == [largest, silence, -largest]
