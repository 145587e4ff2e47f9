"""What the graph rules out as speech: noise, tones and keys at any level, and never a voice."""

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import line_sounds as sounds
from data_pipeline.audio.telephone import TelephoneSettings, telephone
from serving.export.not_speech import is_not_speech
from tests.voice import voice


def verdicts(*waveforms: np.ndarray, filling: float = 0.0, extra: int = 0) -> list[bool]:
    longest = max(map(len, waveforms)) + extra
    rows = np.full((len(waveforms), longest), filling, np.float32)
    for row, waveform in zip(rows, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return is_not_speech(tf.constant(rows), tf.constant([len(one) for one in waveforms])).numpy().tolist()


@pytest.mark.parametrize("level", [0.5, 0.1, 0.01, 0.001])
@pytest.mark.parametrize("name", sounds.UNCHANGING)
def test_noise_tones_and_keys_at_any_level(name, level):
    sound = sounds.UNCHANGING[name](4.0).astype(np.float32)
    sound *= level / np.abs(sound).max()
    called = telephone(tf.constant(sound), TelephoneSettings(), [1, 2]).numpy()
    assert verdicts(sound, called) == [True, True]


def test_speech_is_not_ruled_out():
    voices = [voice(seconds, seed=seed) for seed, seconds in enumerate([0.3, 0.5, 1.0, 2.0, 4.0])]
    assert not any(verdicts(*voices))


def test_real_speech_is_not_ruled_out(speech_data):
    paths = sorted((speech_data / "crema_d" / "AudioMP3").glob("*.mp3"))[::100]
    waveforms = [soundfile.read(path, dtype="float32")[0] for path in paths]
    noise = np.random.default_rng(0)
    called = [
        telephone(
            tf.constant((one + noise.normal(0, np.abs(one).max() / 20, len(one))).astype(np.float32)),
            TelephoneSettings(),
            [1, 2],
        ).numpy()
        for one in waveforms
    ]
    assert not any(verdicts(*waveforms))
    assert not any(verdicts(*called))


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([0.0, 1.0, -1e30, np.nan, np.inf]), st.integers(0, 3_000))
def test_a_verdict_depends_on_its_row_alone(filling, extra):
    rows = [voice(1.0), sounds.UNCHANGING["white noise"](2.0), voice(0.4), np.zeros(1)]
    assert verdicts(*rows, filling=filling, extra=extra) == [False, True, False, False]


@pytest.mark.parametrize("samples", [0, 1, 511, 512, 513])
def test_short_rows_are_no_error(samples):
    assert verdicts(np.zeros(samples)) == [False]
