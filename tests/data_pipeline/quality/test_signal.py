import numpy as np
import pytest
import soundfile

from data_pipeline.audio.telephone import TelephoneSettings, telephone
from data_pipeline.quality.recording import Recording
from data_pipeline.quality.signal import Signal, bandwidth, listen, signal_of
from tests.voice import voice


def speech_like(noise: float = 1e-4, gain: float = 0.2, seed: int = 0) -> np.ndarray:
    """Two seconds: noise in bursts, with pauses in which there is another noise. float64, 16 kHz."""
    random = np.random.default_rng(seed)
    bursts = np.repeat(np.arange(20) % 2, 1_600)
    return bursts * random.normal(0, gain, 32_000) + random.normal(0, noise, 32_000)


def pcm(waveform: np.ndarray) -> np.ndarray:
    return (np.clip(waveform, -1, 1) * 32_767).astype(np.int16)


def test_level_noise_and_their_ratio_are_those_that_were_mixed():
    found = signal_of(pcm(speech_like(noise=0.002, gain=0.2)))
    assert found.seconds == 2
    assert found.level == pytest.approx(20 * np.log10(0.2), abs=0.5)
    assert found.noise == pytest.approx(20 * np.log10(0.002), abs=1)
    assert found.snr == pytest.approx(40, abs=1.5)


def test_gain_moves_levels_and_neither_ratio_nor_bandwidth():
    loud, soft = signal_of(pcm(speech_like(0.002, 0.2))), signal_of(pcm(0.25 * speech_like(0.002, 0.2)))
    assert soft.level - loud.level == pytest.approx(-12, abs=0.2)
    assert soft.snr == pytest.approx(loud.snr, abs=0.5)
    assert soft.bandwidth == loud.bandwidth


def test_bandwidth_ends_where_the_sound_does():
    time = np.arange(16_000) / 16_000
    tones = sum(np.sin(2 * np.pi * frequency * time) for frequency in range(200, 3_001, 200))
    assert bandwidth(tones / 20) == pytest.approx(3_000, abs=200)
    assert bandwidth(speech_like()) == 8_000
    assert bandwidth(np.zeros(16_000)) == 0


def test_a_telephone_is_heard_in_the_bandwidth():
    waveform = speech_like().astype(np.float32)
    called = telephone(waveform, TelephoneSettings(), np.array([1, 2], np.int32)).numpy()
    assert 3_000 <= bandwidth(called) <= 4_125


@pytest.mark.parametrize("samples", [1, 100, 1_023, 1_025])
def test_short_waveforms_are_measured_too(samples):
    found = signal_of(np.full(samples, 1_000, np.int16))
    assert np.isfinite([found.level, found.noise, found.bandwidth]).all()


def test_a_file_that_is_no_use_gives_the_reason(tmp_path):
    soundfile.write(tmp_path / "good.wav", voice(2.0), 16_000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(16_000), 16_000)
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    good, silent, broken = (
        listen(Recording("here", name, str(tmp_path / name), 0)) for name in ("good.wav", "silent.wav", "broken.wav")
    )
    assert isinstance(good, Signal)
    assert silent.startswith("is silent")
    assert isinstance(broken, str)
