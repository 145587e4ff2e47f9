"""Audio in memory: the right float form, or one sentence that says what is wrong with it."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from data_pipeline.audio.audio_file import RATES, UnusableAudio
from data_pipeline.audio.samples import Samples, pcm_of_samples, piece_of_stream
from tests.voice import voice

SPEECH = voice(0.5).astype(np.float32)
FULL_SCALE = {np.dtype(np.int8): 2**7, np.dtype(np.int16): 2**15, np.dtype(np.int32): 2**31}


def refusal(values, rate=16_000, track=None) -> str:
    with pytest.raises(UnusableAudio) as caught:
        pcm_of_samples(Samples(values, rate), track)
    assert str(caught.value) == f"the audio {caught.value.reason}"
    return caught.value.reason


def close(first: np.ndarray, second: np.ndarray, steps: float = 1.0) -> bool:
    """Whether PCM agrees to a number of steps of 16 bits."""
    return len(first) == len(second) and np.abs(first.astype(int) - second.astype(int)).max(initial=0) <= steps


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_floats_of_any_width_are_themselves(dtype):
    assert close(pcm_of_samples(Samples(SPEECH.astype(dtype), 16_000)), np.rint(SPEECH * 32_768), 8)


@pytest.mark.parametrize("dtype", FULL_SCALE)
def test_integers_have_the_full_scale_of_their_type(dtype):
    values = np.rint(SPEECH.astype(np.float64) * FULL_SCALE[dtype]).astype(dtype)
    wanted = np.rint(SPEECH * 32_768)
    assert close(pcm_of_samples(Samples(values, 16_000)), wanted, 2**15 / FULL_SCALE[dtype] + 1)


@pytest.mark.parametrize("scale", [2**15, 2**23, 2**31])
def test_floats_in_the_scale_of_integers(scale):
    assert f"divide by {scale:,}" in refusal(SPEECH * scale)


def test_standardised_floats():
    assert "at most 1" in refusal(SPEECH / SPEECH.std())


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_wide_integers_that_hold_16_bits(dtype):
    assert ("divide them by 32,768" if dtype is np.int32 else "give floats") in refusal(
        np.rint(SPEECH * 32_768).astype(dtype)
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.rint(SPEECH * 32_768).astype(int).tolist(), "give floats"),
        (SPEECH[np.newaxis], "transpose it to [samples, channels]"),
        (np.stack([SPEECH, SPEECH]), "transpose it to [samples, channels]"),
        (np.tile(SPEECH, (64, 1)), "looks like [channels, samples]"),
        (SPEECH[:, np.newaxis, np.newaxis], "give [samples] or [samples, channels]"),
        (np.float32(0.5), "give [samples] or [samples, channels]"),
        (np.zeros((100, 0), np.float32), "give [samples] or [samples, channels]"),
        (np.zeros(0, np.float32), "holds no samples"),
        (SPEECH > 0, "bool samples"),
        ((SPEECH * 127 + 128).astype(np.uint8), "uint8 samples"),
        (SPEECH.astype(complex), "complex128 samples"),
        (np.array(["a", "b"]), "samples: give floats"),
        ([[0.1, 0.2], [0.3]], "is no array"),
        (np.full(16_000, np.nan), "not finite"),
        (np.array([1e300, 0.0]), "full scale is ±1"),
        (np.zeros(16_000 * 301, np.float32), "lasts longer than 300 s"),
    ],
)
def test_what_is_no_audio(values, words):
    assert words in refusal(values)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (44.1, "give 44100"),
        (16, "give 16000"),
        (10**9, "give a whole number of Hz"),
        (0, "give a whole number of Hz"),
        (-8_000, "give a whole number of Hz"),
        (11_025.5, "give a whole number of Hz"),
        (np.nan, "give a whole number of Hz"),
        (np.inf, "give a whole number of Hz"),
        ("16000", "give a whole number of Hz"),
        (None, "give a whole number of Hz"),
        (True, "give a whole number of Hz"),
    ],
)
def test_what_is_no_sampling_rate(rate, words):
    assert words in refusal(SPEECH, rate)


@pytest.mark.parametrize("rate", [np.int64(16_000), 16_000.0, np.float32(16_000)])
def test_a_whole_number_of_any_type_is_a_rate(rate):
    np.testing.assert_array_equal(pcm_of_samples(Samples(SPEECH, rate)), pcm_of_samples(Samples(SPEECH, 16_000)))


def test_channels_that_differ_are_refused_or_chosen_from():
    other = voice(0.5, seed=1).astype(np.float32)
    both = Samples(np.stack([SPEECH, other], axis=1), 16_000)

    assert "--track left" in refusal(both.values)
    assert "cancel each other" in refusal(np.stack([SPEECH, -SPEECH], axis=1))
    assert "only 1 of its 2 channels" in refusal(np.stack([SPEECH, 0 * SPEECH], axis=1))
    assert close(pcm_of_samples(both, "left"), pcm_of_samples(Samples(SPEECH, 16_000)))
    assert close(pcm_of_samples(both, "right"), pcm_of_samples(Samples(other, 16_000)))
    assert close(pcm_of_samples(both, "mix"), pcm_of_samples(Samples((SPEECH + other) / 2, 16_000)))


@settings(deadline=None, max_examples=300)
@given(
    values=arrays.arrays(
        dtype=st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.int16, np.int32, np.int64, np.uint8]),
        shape=arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=40),
    ),
    scale=st.sampled_from([1.0, 2**7, 2**15, 2**23, 2**31]),
    rate=st.one_of(st.sampled_from([8_000, 16_000, 44_100, 44.1]), st.integers(-5, 10**9), st.floats()),
)
def test_samples_are_the_right_float_form_or_an_error(values, scale, rate):
    if values.dtype.kind == "f":
        # Hypothesis draws mostly tiny or huge floats; these are of a known scale.
        values = np.nan_to_num(values, posinf=1, neginf=-1) / max(1, np.abs(np.nan_to_num(values)).max(initial=0))
        values = values * scale
    try:
        pcm = pcm_of_samples(Samples(values, rate))
    except UnusableAudio:
        return
    assert rate in RATES
    floats = values / -float(np.iinfo(values.dtype).min) if values.dtype.kind == "i" else values.astype(float)
    assert np.abs(floats).max() <= 2, "the scale should have been noticed"
    assert floats.ndim == 1 or floats.shape[0] >= floats.shape[1], "the axes should have been noticed"
    if floats.ndim == 2:
        assume(floats.shape[1] == 1 or np.ptp(floats, axis=1).max() == 0)
        floats = floats[:, 0]
    assert close(pcm, pcm_of_samples(Samples(floats, rate)), 2)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from([1.0, 2.0**15, 2.0**23, 2.0**31, 1e-6]), st.sampled_from([0, 1]), st.booleans())
def test_speech_in_a_wrong_scale_or_order_never_comes_back_as_something_else(scale, axis, channels):
    values = SPEECH * scale
    if channels:
        values = np.stack([values] * 2, axis=axis)
    try:
        pcm = pcm_of_samples(Samples(values, 16_000))
    except UnusableAudio:
        assert scale > 2 or (channels and axis == 0)
        return
    assert close(pcm, np.rint(SPEECH * scale * 32_768))


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
def test_a_stream_of_wide_integers_is_refused_since_a_quiet_piece_does_not_show_its_scale(dtype):
    with pytest.raises(UnusableAudio, match="int16"):
        piece_of_stream(np.ones(160, dtype))


def test_a_piece_of_a_stream_may_be_shorter_than_it_has_channels():
    assert piece_of_stream(np.zeros((1, 2), np.int16)).shape == (1, 2)
