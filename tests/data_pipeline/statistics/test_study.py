import sys

import librosa
import numpy as np
import pytest
import scipy.stats

from data_pipeline.errors import UserError
from data_pipeline.statistics import FEATURE_SETS
from tests.data_pipeline.statistics.glottal import as_pcm, voice

STUDY = FEATURE_SETS["study"]

BY_LIBROSA = {
    "zero_crossing_rate": lambda y: librosa.feature.zero_crossing_rate(y),
    "rms": lambda y: librosa.feature.rms(y=y),
    "mfcc": lambda y: librosa.feature.mfcc(y=y),
    "mel_spectrogram": lambda y: librosa.feature.melspectrogram(y=y),
    "chroma": lambda y: librosa.feature.chroma_stft(y=y),
    "spectral_centroid": lambda y: librosa.feature.spectral_centroid(y=y),
    "spectral_bandwidth": lambda y: librosa.feature.spectral_bandwidth(y=y),
    "spectral_contrast": lambda y: librosa.feature.spectral_contrast(y=y),
    "spectral_flatness": lambda y: librosa.feature.spectral_flatness(y=y),
    "spectral_rolloff": lambda y: librosa.feature.spectral_rolloff(y=y),
    "tonnetz": lambda y: librosa.feature.tonnetz(y=y),
}
MOMENTS = {"mean": np.mean, "std": np.std, "kurtosis": scipy.stats.kurtosis, "skew": scipy.stats.skew}


def speech() -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.01, 40_000).astype(np.float32)
    swell = np.linspace(0, 1, 40_000, dtype=np.float32) ** 2
    return voice(np.geomspace(110, 300, 40_000), seconds=2.5) * swell + noise


def noise() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 0.2, 24_000).astype(np.float32)


def clipped() -> np.ndarray:
    return 20 * voice(220.0, seconds=0.7)


def short() -> np.ndarray:
    return voice(150.0, seconds=0.2)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("sound", [speech, noise, clipped, short])
@pytest.mark.parametrize("feature", BY_LIBROSA)
def test_equals_librosa_called_for_each_feature(feature, sound):
    pcm = as_pcm(sound())
    waveform = librosa.resample(pcm / np.float32(32_768), orig_sr=16_000, target_sr=22_050)
    flat = BY_LIBROSA[feature](waveform).flatten()
    expected = [moment(flat) for moment in MOMENTS.values()]

    values = dict(zip(STUDY.names, STUDY.extract(pcm), strict=True))

    assert [values[f"{feature}_{moment}"] for moment in MOMENTS] == pytest.approx(expected, rel=1e-5)


def test_has_44_numbers():
    assert len(STUDY.names) == 44
    assert STUDY.extract(as_pcm(short())).shape == (44,)


@pytest.mark.parametrize("samples", [1, 800, 16_000])
def test_silence_of_any_length_gives_finite_numbers(samples):
    assert np.isfinite(STUDY.extract(np.zeros(samples, np.int16))).all()


def test_says_what_is_missing_without_librosa(monkeypatch):
    monkeypatch.setitem(sys.modules, "librosa", None)

    with pytest.raises(UserError, match=r"\[benchmarks\]"):
        STUDY.extract(np.zeros(1_000, np.int16))
