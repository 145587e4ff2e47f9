"""The features of the original study: eleven of librosa's, flattened, and four moments of each."""

import warnings
from typing import Any

import numpy as np

from data_pipeline.errors import UserError
from data_pipeline.statistics.feature_set import FeatureSet

_RECORD_RATE = 16_000

_RATE = 22_050
"""librosa's default sampling rate."""

_SHORTEST = 1_024
"""Least number of samples; shorter clips are padded with silence, since the constant-Q transform refuses them."""

_FEATURES = {
    "zero_crossing_rate": "zero crossings",
    "rms": "energy",
    "mfcc": "mfcc",
    "mel_spectrogram": "mel",
    "chroma": "chroma",
    "spectral_centroid": "spectral shape",
    "spectral_bandwidth": "spectral shape",
    "spectral_contrast": "spectral shape",
    "spectral_flatness": "spectral shape",
    "spectral_rolloff": "spectral shape",
    "tonnetz": "chroma",
}

_MOMENTS = ("mean", "std", "kurtosis", "skew")


def extract(pcm: np.ndarray) -> np.ndarray:
    """Extract features that equal those of librosa with its defaults, computed from one spectrogram.

    Args:
        pcm: int16 [samples] at 16 kHz.

    Returns:
        float32 [44]; 0 where a moment is undefined, such as the kurtosis of a constant.

    Raises:
        UserError: If librosa is not installed.
    """
    librosa = _librosa()
    waveform = librosa.resample(pcm.astype(np.float32) / 32_768, orig_sr=_RECORD_RATE, target_sr=_RATE)
    if len(waveform) < _SHORTEST:
        waveform = np.pad(waveform, (0, _SHORTEST - len(waveform)))
    with warnings.catch_warnings():
        # librosa warns of windows longer than a short clip, and of silence, which has no tuning.
        warnings.simplefilter("ignore", UserWarning)
        features = _features(librosa, waveform)
        return np.concatenate([_moments(features[name].ravel()) for name in _FEATURES])


def _features(librosa: Any, waveform: np.ndarray) -> dict[str, np.ndarray]:
    feature = librosa.feature
    magnitude = np.abs(librosa.stft(waveform))
    power = magnitude**2
    mel = feature.melspectrogram(S=power, sr=_RATE)
    centroid = feature.spectral_centroid(S=magnitude, sr=_RATE)
    return {
        "zero_crossing_rate": feature.zero_crossing_rate(waveform),
        "rms": feature.rms(y=waveform),
        "mfcc": feature.mfcc(S=librosa.power_to_db(mel)),
        "mel_spectrogram": mel,
        "chroma": feature.chroma_stft(S=power, sr=_RATE),
        "spectral_centroid": centroid,
        "spectral_bandwidth": feature.spectral_bandwidth(S=magnitude, sr=_RATE, centroid=centroid),
        "spectral_contrast": feature.spectral_contrast(S=magnitude, sr=_RATE),
        "spectral_flatness": feature.spectral_flatness(S=magnitude),
        "spectral_rolloff": feature.spectral_rolloff(S=magnitude, sr=_RATE),
        "tonnetz": feature.tonnetz(y=waveform, sr=_RATE),
    }


def _moments(values: np.ndarray) -> np.ndarray:
    """Mean, standard deviation, Fisher's kurtosis and skew, in the steps and the precision of scipy.stats.

    Near zero, where moments cancel, another order of the sums would give other digits.
    """
    mean = values.mean()
    deviation = values - mean
    squares = deviation**2
    variance = squares.mean()
    # As in scipy, a variance within rounding of the mean counts as zero.
    if variance <= (np.finfo(variance.dtype).resolution * mean) ** 2:
        return np.array([mean, values.std(), 0.0, 0.0], np.float32)
    kurtosis = (squares**2).mean() / variance**2.0 - 3
    skew = (squares * deviation).mean() / variance**1.5
    return np.array([mean, values.std(), kurtosis, skew], np.float32)


def _librosa() -> Any:
    try:
        import librosa
    except ImportError as error:
        raise UserError(
            "the study's features need librosa, which is not installed: run pip install '.[benchmarks]'"
        ) from error
    return librosa


STUDY = FeatureSet(
    name="study",
    version=1,
    names=tuple(f"{feature}_{moment}" for feature in _FEATURES for moment in _MOMENTS),
    families=tuple(family for family in _FEATURES.values() for _ in _MOMENTS),
    extract=extract,
)
"""The 44 features that the study gave to its classical classifiers."""
