import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.statistics import pitch
from tests.data_pipeline.statistics.glottal import RATE, voice


@settings(max_examples=30, deadline=None)
@given(frequency=st.floats(65, 500), gain=st.sampled_from([0.01, 0.1, 0.9]))
def test_the_pitch_of_glottal_pulses_is_found_within_two_percent(frequency, gain):
    track = pitch.track(voice(frequency, gain=gain))

    inside = slice(5, -5)
    assert track.voiced[inside].all()
    assert track.frequency[inside] == pytest.approx(frequency, rel=0.02)


@pytest.mark.parametrize("frequency", [65, 100, 220, 440, 590])
def test_the_pitch_of_tones_is_found(frequency):
    times = np.arange(RATE) / RATE

    track = pitch.track((0.3 * np.sin(2 * np.pi * frequency * times)).astype(np.float32))

    assert track.frequency[5:-5] == pytest.approx(frequency, rel=0.02)


def test_a_gliding_pitch_is_followed():
    glide = np.geomspace(120, 360, 2 * RATE)

    track = pitch.track(voice(glide, seconds=2.0))

    centres = 200 + 160 * np.arange(len(track.frequency))
    assert track.frequency[5:-5] == pytest.approx(glide[centres][5:-5], rel=0.02)


def test_a_voice_in_noise_is_followed():
    noise = np.random.default_rng(0).normal(0, 0.02, round(1.5 * RATE)).astype(np.float32)

    track = pitch.track(voice(180.0) + noise)

    assert np.mean(np.abs(track.frequency / 180 - 1) < 0.02) > 0.95


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)

    assert pitch.track(noise).voiced.mean() < 0.05
    assert not pitch.track(np.zeros(RATE, np.float32)).voiced.any()


def test_pauses_between_voices_are_unvoiced():
    pause = np.zeros(RATE // 2, np.float32)

    track = pitch.track(np.concatenate([voice(150.0, 0.5), pause, voice(250.0, 0.5)]))

    assert track.voiced[5:40].all()
    assert not track.voiced[60:90].any()
    assert track.voiced[105:140].all()


def test_a_breathy_voice_is_less_periodic():
    noise = np.random.default_rng(0).normal(0, 0.03, round(1.5 * RATE)).astype(np.float32)

    clean, breathy = pitch.track(voice(150.0)), pitch.track(voice(150.0) + noise)

    assert breathy.periodicity.mean() < clean.periodicity.mean() - 0.01


def test_gain_does_not_matter():
    wave = voice(150.0)

    loud, soft = pitch.track(wave), pitch.track(wave / 64)

    assert np.array_equal(loud.voiced, soft.voiced)
    assert loud.frequency == pytest.approx(soft.frequency, rel=1e-4)
