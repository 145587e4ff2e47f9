import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.audio.decode import Audio, to_pcm
from data_pipeline.audio.half_band import doubled, odd_taps
from data_pipeline.audio.resample import Resampler, resampled
from data_pipeline.audio.upsample import narrow_to_16_khz, upsample_by_two
from tests.voice import voice


def decibels(error: np.ndarray, reference: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(error**2) / np.mean(reference**2)))


@pytest.mark.parametrize("hertz", [50, 300, 1_000, 3_400, 3_790])
def test_a_tone_of_the_telephone_band_comes_out_undelayed_and_pure(hertz):
    tone = np.sin(2 * np.pi * hertz * np.arange(8_000) / 8_000)
    wanted = np.sin(2 * np.pi * hertz * np.arange(16_000) / 16_000)
    got = upsample_by_two(tone[np.newaxis].astype(np.float32)).numpy()[0]
    inner = slice(1_000, -1_000)
    assert decibels(got[inner] - wanted[inner], wanted[inner]) < -90


def test_every_input_sample_is_an_output_sample():
    noise = np.random.default_rng(1).normal(size=(3, 777)).astype(np.float32)
    np.testing.assert_array_equal(upsample_by_two(noise)[:, ::2], noise)


def test_odd_outputs_are_the_taps_applied_to_their_neighbours():
    noise = np.random.default_rng(2).normal(size=500).astype(np.float32)
    around = np.pad(noise.astype(np.float64), (63, 64))
    wanted = [np.dot(around[place : place + 128], odd_taps()) for place in range(500)]
    np.testing.assert_allclose(upsample_by_two(noise[np.newaxis])[0, 1::2], wanted, atol=1e-5)


@pytest.mark.parametrize("samples", [1, 2, 15, 16, 17, 127, 128, 129])
def test_any_length_gives_twice_as_many_samples(samples):
    ones = np.ones((2, samples), np.float32)
    assert upsample_by_two(ones).shape == (2, 2 * samples)


def test_a_row_does_not_depend_on_its_neighbours_or_on_the_padding():
    noise = np.random.default_rng(3).normal(size=(2, 1_000)).astype(np.float32)
    noise[1, 300:] = 0
    alone = upsample_by_two(noise[1:, :300])[0]
    np.testing.assert_allclose(upsample_by_two(noise)[1, :600], alone, atol=1e-6)


def test_speech_agrees_with_soxr_in_the_band_that_both_pass(speech_data):
    path = sorted((speech_data / "crema_d" / "AudioMP3").glob("*.mp3"))[0]
    speech, rate = soundfile.read(path, dtype="float32")
    # Below 3.4 kHz, as a telephone channel: soxr's own filter begins to fall at 3.65 kHz.
    spectrum = np.fft.rfft(speech)
    spectrum[np.fft.rfftfreq(len(speech), 1 / rate) > 3_400] = 0
    narrow = soxr.resample(np.fft.irfft(spectrum, len(speech)).astype(np.float32), rate, 8_000)
    wanted = soxr.resample(narrow, 8_000, 16_000, quality="HQ")
    got = upsample_by_two(narrow[np.newaxis]).numpy()[0]
    length = min(len(got), len(wanted))
    assert decibels(got[:length] - wanted[:length], wanted[:length]) < -60


@pytest.mark.parametrize("samples", [1, 2, 15, 16, 17, 127, 128, 129, 5_000])
def test_files_are_converted_as_the_graph_converts_them(samples):
    noise = np.random.default_rng(4).uniform(-0.3, 0.3, samples).astype(np.float32)
    np.testing.assert_allclose(doubled(noise), upsample_by_two(noise[np.newaxis])[0], atol=1e-6)


@given(st.lists(st.integers(0, 400), max_size=12), st.sampled_from([8_000, 16_000, 22_050]))
def test_a_stream_in_any_pieces_is_converted_as_in_one(sizes, rate):
    noise = np.random.default_rng(5).uniform(-0.3, 0.3, sum(sizes)).astype(np.float32)
    resampler = Resampler(rate)
    pieces = [resampler.add(piece) for piece in np.split(noise, np.cumsum(sizes)[:-1])] if sizes else []
    np.testing.assert_allclose(np.concatenate([*pieces, resampler.finish()]), resampled(noise, rate), atol=1e-6)


def test_what_8_khz_lack_is_lacking_in_every_door():
    speech = voice(1.0, 8_000)
    pcm = to_pcm(Audio(speech[:, np.newaxis].astype(np.float32), 8_000, "samples", 0.5))
    graph = narrow_to_16_khz(speech[np.newaxis].astype(np.float32)).numpy()[0]
    np.testing.assert_allclose(pcm / 32_768, graph, atol=1.1 / 32_768)
    assert np.mean(pcm / np.float32(32_768) != graph) < 1e-3
