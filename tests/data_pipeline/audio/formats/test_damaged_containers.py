"""Containers with any damage: samples or one sentence, never another error, a crash or an endless read."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_pipeline.audio.decode import decode_bytes
from data_pipeline.errors import UserError
from tests.awkward_files import container

WHOLE = {
    name: container(name, coding, rate)
    for name, coding, rate in (
        ("mp4", "aac", 16_000),
        ("webm", "libopus", 48_000),
        ("flv", "aac", 44_100),
        ("amr", "libopencore_amrnb", 8_000),
    )
}


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(data=st.data())
def test_any_damage_gives_samples_or_one_sentence(name, data):
    content = bytearray(WHOLE[name])
    # Headers decide most, so that half of the damage is there.
    places = st.one_of(st.integers(0, min(200, len(content) - 1)), st.integers(0, len(content) - 1))
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6), label="bytes"):
        content[place] = value
    start, removed = data.draw(st.tuples(places, st.integers(0, 300)), label="removed")
    del content[start : start + removed]
    content[start:start] = data.draw(st.binary(max_size=40), label="inserted")
    del content[data.draw(st.integers(0, len(content)), label="cut at") :]
    said = ""
    try:
        pcm = decode_bytes(bytes(content)).pcm
    except UserError as error:
        said = str(error)
    if said:
        assert "\n" not in said
    else:
        assert pcm.dtype == np.int16
        assert 0 < len(pcm) <= 300 * 16_000
