import numpy as np
import pytest
import scipy.signal
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.audio import g711
from data_pipeline.audio.telephone import TelephoneSettings, band_response, telephone, to_telephone_band
from data_pipeline.audio.upsample import narrow_to_16_khz
from data_pipeline.errors import UserError

SEED = [1, 2]


def tone(hertz: float, seconds: float = 1.0, rate: int = 16_000, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def decibels(power: float) -> float:
    return float(10 * np.log10(power))


def gain_at(hertz: float) -> float:
    inner = slice(1_000, -1_000)
    return decibels(
        np.mean(to_telephone_band(tone(hertz)).numpy()[inner] ** 2) / np.mean(tone(hertz, rate=8_000)[inner] ** 2)
    )


@pytest.mark.parametrize("hertz", [310, 500, 1_020, 2_000, 3_000, 3_390])
def test_the_telephone_band_passes(hertz):
    assert gain_at(hertz) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("hertz", [20, 50, 60, 95, 3_810, 4_010, 4_600, 6_000, 7_900])
def test_what_lies_outside_is_gone_and_does_not_fold_back(hertz):
    assert gain_at(hertz) < -60


def test_the_band_filter_is_that_of_scipy_with_the_same_response():
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    hertz = np.fft.rfftfreq(4_096, 1 / 16_000)
    taps = np.fft.fftshift(np.fft.irfft(band_response(hertz.astype(np.float32)).numpy(), 4_096))
    wanted = scipy.signal.fftconvolve(noise.astype(np.float64), taps)[2_048 : 2_048 + 16_000 : 2]
    np.testing.assert_allclose(to_telephone_band(noise), wanted, atol=1e-4)


@pytest.mark.parametrize("law", g711.LAWS)
def test_the_channel_is_its_parts(law):
    noise = np.random.default_rng(1).normal(0, 0.3, 9_999).astype(np.float32)
    pcm = np.clip(np.rint(to_telephone_band(noise).numpy() * 32_768), -32_768, 32_767).astype(np.int16)
    received = g711.decode(g711.encode(pcm, law), law).astype(np.float32) / 32_768
    wanted = narrow_to_16_khz(received[np.newaxis]).numpy()[0, :9_999]
    np.testing.assert_array_equal(telephone(noise, TelephoneSettings(law), SEED), wanted)


@pytest.mark.parametrize("law", g711.LAWS)
def test_a_tone_arrives_undelayed_with_the_noise_of_eight_bits(law):
    error = telephone(tone(1_020), TelephoneSettings(law), SEED).numpy() - tone(1_020)
    # Sinusoids near full scale come through G.711 at 37 to 39 dB.
    assert -42 < decibels(np.mean(error[1_000:-1_000] ** 2) / np.mean(tone(1_020) ** 2)) < -35


def test_what_is_too_loud_is_clipped_not_wrapped():
    received = telephone(tone(1_000, level=3.0), TelephoneSettings(), SEED).numpy()
    # The lowpass of a clipped tone overshoots a little; a wrapped one would hit -1.
    assert np.corrcoef(received, tone(1_000))[0, 1] > 0.95


@settings(deadline=None, max_examples=25)
@given(samples=st.integers(1, 4_000), loss=st.sampled_from([0.0, 0.3, 1.0]), seed=st.integers(0, 99))
def test_any_length_is_kept_and_the_seed_decides(samples, loss, seed):
    noise = np.random.default_rng(seed).normal(0, 0.2, samples).astype(np.float32)
    channel = TelephoneSettings("alaw", loss)
    received = telephone(noise, channel, [seed, 1]).numpy()
    assert received.shape == (samples,)
    assert np.isfinite(received).all()
    np.testing.assert_array_equal(telephone(noise, channel, [seed, 1]), received)


def test_silence_stays_silent_by_mu_law():
    assert not telephone(np.zeros(1_000, np.float32), TelephoneSettings(), SEED).numpy().any()


def test_lost_packets_repeat_the_last_and_fade_within_60_ms():
    # Packets that can be told apart by their level; every second sample of the output is one at 8 kHz.
    levels = np.repeat(np.linspace(0.1, 0.9, 200), 320)
    waveform = (levels * tone(1_000, seconds=4.0, level=1.0)).astype(np.float32)
    whole = telephone(waveform, TelephoneSettings(), SEED).numpy()[::2].reshape(200, 160)
    lossy = telephone(waveform, TelephoneSettings("mulaw", 0.6), SEED).numpy()[::2].reshape(200, 160)
    arrived = (lossy == whole).all(axis=1)
    assert 100 < (~arrived).sum() < 140
    last, longest = None, 0
    for number in range(200):
        if arrived[number]:
            last = number
        elif last is None:
            assert not lossy[number].any()
        else:
            age = 20 * (number - last - 1) + np.arange(160) / 8
            fading = np.clip(1 - (age - 10) / 50, 0, 1)
            # To the 16 bits of the output.
            np.testing.assert_allclose(lossy[number], whole[last] * fading, atol=0.6 / 32_768)
            longest = max(longest, number - last)
    assert longest > 3


def test_all_packets_lost_are_silence():
    assert not telephone(tone(500), TelephoneSettings("mulaw", 1.0), SEED).numpy().any()


def test_real_speech_keeps_its_band_and_loses_the_rest(speech_data):
    path = sorted((speech_data / "crema_d" / "AudioMP3").glob("*.mp3"))[0]
    speech, rate = soundfile.read(path, dtype="float32")
    received = telephone(speech, TelephoneSettings(), SEED).numpy()
    hertz, before = scipy.signal.welch(speech, rate, nperseg=1_024)
    _, after = scipy.signal.welch(received, rate, nperseg=1_024)
    band = (hertz > 350) & (hertz < 3_350)
    assert np.abs(10 * np.log10(after[band].sum() / before[band].sum())) < 0.2
    assert after[hertz > 4_200].sum() < 1e-6 * after.sum()


@pytest.mark.parametrize("arguments", [("gsm",), ("mulaw", 1.5), ("alaw", -0.1)])
def test_a_channel_that_does_not_exist_is_refused(arguments):
    with pytest.raises(UserError):
        TelephoneSettings(*arguments)
