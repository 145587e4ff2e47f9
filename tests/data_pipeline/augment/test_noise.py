import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.augment.noise import NoiseBank, active_power, add_noise, coloured_noise
from data_pipeline.errors import UserError


@pytest.fixture
def folder(tmp_path):
    """Two recordings of noise that can be told apart by their level, and three files that are none."""
    random = np.random.default_rng(0)
    (tmp_path / "street").mkdir()
    soundfile.write(tmp_path / "street" / "loud.wav", random.normal(0, 0.2, 4_000), 16_000)
    soundfile.write(tmp_path / "soft.wav", random.normal(0, 0.002, 1_000), 16_000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(500), 16_000)
    (tmp_path / "broken.wav").write_bytes(b"RIFF but no more")
    (tmp_path / "notes.txt").write_text("no audio")
    return str(tmp_path)


@settings(deadline=None, max_examples=30)
@given(snr=st.floats(-10, 40), level=st.floats(0.001, 1), seed=st.integers(0, 999))
def test_the_ratio_is_that_of_active_speech_and_noise(snr, level, seed):
    random = np.random.default_rng(seed)
    # A second of speech after a second of pause: the pause must not count.
    speech = np.concatenate([np.zeros(16_000), random.normal(0, 0.1, 16_000)]).astype(np.float32)
    noise = random.normal(0, level, 32_000).astype(np.float32)
    added = add_noise(speech, noise, snr).numpy() - speech
    ratio = 10 * np.log10(np.mean(speech[16_000:].astype(np.float64) ** 2) / np.mean(added.astype(np.float64) ** 2))
    assert ratio == pytest.approx(snr, abs=0.1)


def test_the_last_frame_counts_for_what_it_holds():
    assert active_power(np.full(330, 0.5, np.float32)).numpy() == pytest.approx(0.25, rel=1e-5)


def test_silence_and_silent_noise_do_no_harm():
    speech, silence = np.full(1_000, 0.1, np.float32), np.zeros(1_000, np.float32)
    np.testing.assert_array_equal(add_noise(silence, speech, 10.0), silence)
    np.testing.assert_array_equal(add_noise(speech, silence, 10.0), speech)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_the_power_falls_by_the_exponent(exponent):
    noise = coloured_noise(160_000, exponent, [1, 2]).numpy()
    assert noise.shape == (160_000,)
    power = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(160_000, 1 / 16_000)
    octaves = [(low, np.mean(power[(hertz >= low) & (hertz < 2 * low)])) for low in (100, 200, 400, 800, 1_600, 3_200)]
    slope = np.polyfit(*np.log(octaves).T, 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.1)


def test_a_bank_holds_what_can_be_used_and_lists_the_rest(folder):
    bank = NoiseBank.open(folder)
    assert sorted(bank.files) == ["soft.wav", "street/loud.wav"]
    assert sorted(bank.lengths) == [1_000, 4_000]
    assert [item.file for item in bank.set_aside] == ["broken.wav", "silent.wav"]
    assert NoiseBank.open(folder).files == bank.files


def test_an_excerpt_is_of_one_recording_and_repeats_a_short_one(folder):
    bank = NoiseBank.open(folder)
    levels = set()
    for seed in range(60):
        excerpt = bank.excerpt(2_500, [seed, 0]).numpy()
        assert excerpt.shape == (2_500,)
        levels.add(round(float(excerpt.std()), 1))
        if excerpt.std() < 0.01:
            np.testing.assert_array_equal(excerpt[:1_000], excerpt[1_000:2_000])
    assert levels == {0.0, 0.2}


def test_a_bank_is_capped(folder):
    assert NoiseBank.open(folder, seconds=0.25).lengths.sum() == 4_000


def test_a_folder_without_noise_is_refused(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(UserError, match=r"no usable recording.*broken\.wav"):
        NoiseBank.open(str(tmp_path))
    with pytest.raises(UserError, match="no folder"):
        NoiseBank.open(str(tmp_path / "missing"))
