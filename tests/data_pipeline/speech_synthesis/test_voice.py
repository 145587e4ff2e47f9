"""The source-filter voice does what its controls ask: pitch, formants, tilt, noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.speech_synthesis.voice import (
    FORMANTS,
    HOP,
    Glottis,
    Tracks,
    frication_response,
    glottal_flow,
    speak,
    tilt_response,
    tract_response,
)

STEADY = Glottis(jitter=0.0, shimmer_db=0.0)
UPPER = (3_300.0, 3_750.0, 4_900.0, 5_900.0, 6_900.0)


def sustained(
    frames: int = 100,
    f0: float = 100.0,
    vowel: tuple[float, float, float] = (500.0, 1_500.0, 2_500.0),
    voicing: float = 1.0,
    aspiration: float = 0.0,
    frication: float = 0.0,
    frication_hz: float = 4_000.0,
) -> Tracks:
    def constant(value: float) -> np.ndarray:
        return np.full(frames, value)

    return Tracks(
        f0=constant(f0),
        formants=np.tile((*vowel, *UPPER), (frames, 1)),
        bandwidths=np.full((frames, FORMANTS), 80.0),
        voicing=constant(voicing),
        aspiration=constant(aspiration),
        frication=constant(frication),
        frication_hz=constant(frication_hz),
        frication_bandwidth=constant(800.0),
    )


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def spectrum_db(signal: np.ndarray) -> np.ndarray:
    """Power at whole Hz from 0 to 8,000, of the middle second."""
    return 20.0 * np.log10(np.abs(np.fft.rfft(signal * np.hanning(len(signal)), SAMPLE_RATE)) + 1e-9)


def pitch(signal: np.ndarray) -> float:
    """Strongest autocorrelation between 60 and 500 Hz."""
    spectrum = np.abs(np.fft.rfft(signal, 2 * len(signal))) ** 2
    correlation = np.fft.irfft(spectrum)[: len(signal)]
    shortest = SAMPLE_RATE // 500
    return SAMPLE_RATE / (shortest + np.argmax(correlation[shortest : SAMPLE_RATE // 60]))


@pytest.mark.parametrize("f0", [80.0, 125.0, 200.0, 320.0])
def test_pitch_is_the_f0_asked_for(f0):
    assert pitch(speak(sustained(f0=f0), STEADY, rng())) == pytest.approx(f0, rel=0.02)


@pytest.mark.parametrize(
    "vowel",
    [(270.0, 2_290.0, 3_010.0), (730.0, 1_090.0, 2_440.0), (300.0, 870.0, 2_240.0)],
    ids=["IY", "AA", "UW"],
)
def test_a_whispered_vowel_has_its_peaks_at_the_formants(vowel):
    # Noise excites every frequency alike, so that the spectrum shows the tract alone.
    whisper = speak(sustained(frames=400, vowel=vowel, voicing=0.0, aspiration=1.0), STEADY, rng())
    blocks = whisper[: len(whisper) // 800 * 800].reshape(-1, 800) * np.hanning(800)
    power = np.mean(np.abs(np.fft.rfft(blocks)) ** 2, axis=0)
    for formant in vowel:
        near = np.arange(int((formant - 150) / 20), int((formant + 150) / 20) + 1)
        assert 20 * near[np.argmax(power[near])] == pytest.approx(formant, abs=60)


def test_a_voiced_vowel_is_strongest_near_its_formants():
    spectrum = spectrum_db(speak(sustained(f0=100.0, vowel=(700.0, 1_300.0, 2_500.0)), STEADY, rng()))
    harmonics = spectrum[100:3_100:100]
    assert harmonics[6] > harmonics[2] + 3  # 700 Hz against 300 Hz
    assert harmonics[12] > harmonics[9] + 3  # 1,300 Hz against 1,000 Hz
    assert harmonics[24] > harmonics[18] + 3  # 2,500 Hz against 1,900 Hz


@given(
    formant=st.floats(200.0, 6_000.0),
    bandwidth=st.floats(40.0, 300.0),
)
def test_a_resonator_has_unit_gain_at_zero_and_its_peak_at_the_formant(formant, bandwidth):
    response = np.abs(tract_response(np.array([[formant]]), np.array([[bandwidth]])))[0]
    bin_width = (SAMPLE_RATE / 2) / (len(response) - 1)
    assert response[0] == pytest.approx(1.0)
    assert np.argmax(response) * bin_width == pytest.approx(formant, abs=bandwidth / 2 + bin_width)


def test_a_formant_beyond_the_nyquist_frequency_is_left_out():
    one = tract_response(np.array([[500.0]]), np.array([[80.0]]))
    two = tract_response(np.array([[500.0, 8_500.0]]), np.array([[80.0, 300.0]]))
    np.testing.assert_allclose(one, two)


def test_frication_keeps_the_power_of_noise_and_peaks_where_asked():
    noise = speak(sustained(frames=300, voicing=0.0, frication=1.0, frication_hz=5_500.0), STEADY, rng())
    # Overlapping frames of equal response add up to a plain filter: unit power in, unit power out.
    assert noise[SAMPLE_RATE // 10 : -SAMPLE_RATE // 10].std() == pytest.approx(1.0, rel=0.1)
    response = np.abs(frication_response(np.array([5_500.0]), np.array([800.0])))[0]
    assert np.argmax(response) * 8_000 / (len(response) - 1) == pytest.approx(5_500, abs=40)


@given(tilt=st.floats(-15.0, 25.0))
def test_tilt_is_stated_at_3_khz(tilt):
    gain = tilt_response(tilt)
    at_3_khz = gain[round(3_000 / 8_000 * (len(gain) - 1))]
    assert gain[0] == pytest.approx(1.0)
    assert 20 * np.log10(at_3_khz) == pytest.approx(-tilt, abs=1e-6)


def test_tilt_darkens_the_voice():
    def high_share(tilt: float) -> float:
        power = 10 ** (spectrum_db(speak(sustained(), Glottis(tilt_db=tilt), rng())) / 10)
        return power[2_000:].sum() / power.sum()

    assert high_share(-6.0) > 2 * high_share(0.0) > 4 * high_share(6.0)


def cycle_peaks(glottis: Glottis) -> tuple[np.ndarray, np.ndarray]:
    """Times and heights of the flow's maxima, cycle by cycle."""
    flow = glottal_flow(np.full(2 * SAMPLE_RATE, 100.0), glottis, rng())
    inner = flow[1:-1]
    at = 1 + np.flatnonzero((inner > flow[:-2]) & (inner >= flow[2:]) & (inner > 0.5))
    return at, flow[at]


def test_steady_folds_are_regular():
    at, height = cycle_peaks(STEADY)
    assert np.diff(at).std() < 1.0
    np.testing.assert_allclose(height, 1.0, atol=0.01)


def test_jitter_and_shimmer_are_as_asked():
    at, height = cycle_peaks(Glottis(jitter=0.03, shimmer_db=0.5))
    assert np.diff(at).std() / 160 == pytest.approx(0.03, rel=0.3)
    assert (20 * np.log10(height)).std() == pytest.approx(0.5, rel=0.3)


@pytest.mark.parametrize("open_quotient", [0.4, 0.6, 0.8])
def test_open_quotient_is_the_share_of_flow(open_quotient):
    flow = glottal_flow(np.full(SAMPLE_RATE, 100.0), Glottis(open_quotient, 0.0, 0.0, 0.0), rng())
    assert np.mean(flow > 0.0) == pytest.approx(open_quotient, abs=0.02)
    assert flow.min() == 0.0


def test_silence_when_nothing_sounds():
    assert not speak(sustained(voicing=0.0), Glottis(), rng()).any()


@settings(max_examples=40, deadline=None)
@given(
    frames=st.integers(1, 60),
    f0=st.floats(50.0, 600.0),
    f1=st.floats(200.0, 900.0),
    voicing=st.floats(0.0, 1.0),
    aspiration=st.floats(0.0, 1.0),
    frication=st.floats(0.0, 1.0),
    open_quotient=st.floats(0.3, 0.9),
    jitter=st.floats(0.0, 0.2),
    seed=st.integers(0, 2**32),
)
def test_any_setting_gives_finite_sound_of_the_asked_length(
    frames, f0, f1, voicing, aspiration, frication, open_quotient, jitter, seed
):
    tracks = sustained(frames, f0, (f1, 1_500.0, 2_500.0), voicing, aspiration, frication)
    glottis = Glottis(open_quotient=open_quotient, jitter=jitter)
    first = speak(tracks, glottis, np.random.default_rng(seed))
    assert first.shape == (frames * HOP,)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, speak(tracks, glottis, np.random.default_rng(seed)))
