"""A clip as one vector: statistics of its contours over all frames and over voiced frames, dynamics, and rhythm."""

import numpy as np

from data_pipeline.statistics import contour_statistics
from data_pipeline.statistics.contours import Contours, contours
from data_pipeline.statistics.feature_set import FeatureSet
from data_pipeline.statistics.rhythm import rhythm

_ALL = ("mel", "mfcc", "mfcc delta", "mfcc delta delta", "energy", "spectral shape")

_VOICED = ("mel", "mfcc", "mfcc delta", "energy", "pitch", "voice quality", "spectral shape")

_SPEECH = ("mel", "mfcc", "energy", "pitch", "voice quality", "spectral shape")
"""Families whose dynamics are taken from the first frame of speech to the last."""

_SPREADS = {
    "level": 15.0,
    "semitones": 14.0,
    "harmonics_to_noise": 8.0,
    "centroid": 0.6,
    "alpha_ratio": 10.0,
    "slope_low": 1.0,
    "slope_high": 0.7,
    "flatness": 4.0,
    "first_to_second_harmonic": 6.0,
    "rolloff_0.85": 1_000.0,
    "hammarberg": 9.0,
}
"""Contours whose covariance is taken, with the rough standard deviation of each in speech."""

_CROSSED = 12
"""Number of cepstra whose cross-covariance is taken."""

_GROUPS = 10
"""Number of groups of neighbouring mel bands."""


def extract(pcm: np.ndarray) -> np.ndarray:
    """Extract the functionals of a clip.

    Args:
        pcm: int16 [samples] at 16 kHz, of any length.

    Returns:
        float32 [features], all finite.
    """
    return np.concatenate([values.ravel() for values, _, _ in _parts(contours(pcm), len(pcm))])


_Part = tuple[np.ndarray, list[str], str]
"""Values with their names and their family."""


def _parts(clip: Contours, samples: int) -> list[_Part]:
    """All values, in the order of the vector."""
    timing = rhythm(samples, clip.active, clip.voiced, clip.families["energy"]["loudness"])
    return [
        *_statistics(clip, _ALL, "all", np.ones_like(clip.active)),
        *_statistics(clip, _VOICED, "voiced", clip.voiced),
        *_dynamics(clip),
        *_covariances(clip),
        (np.array(list(timing.values()), np.float32), list(timing), "rhythm"),
    ]


def _statistics(clip: Contours, families: tuple[str, ...], region: str, mask: np.ndarray) -> list[_Part]:
    parts = []
    for family in families:
        named = clip.families[family]
        values = contour_statistics.summarise(np.stack(list(named.values()))[:, mask])
        parts.append(
            (
                values,
                [f"{name}_{region}_{statistic}" for name in named for statistic in contour_statistics.STATISTICS],
                family,
            )
        )
    return parts


def _dynamics(clip: Contours) -> list[_Part]:
    """Trends, recurrences and modulation between the first and the last frame of speech."""
    parts: list[_Part] = []
    inside = clip.speech
    for family in _SPEECH:
        named = clip.families[family]
        matrix = np.stack(list(named.values()))
        speech = matrix[:, inside]
        for values, columns in (
            (contour_statistics.trends(speech), contour_statistics.TRENDS),
            (contour_statistics.recurrences(speech), contour_statistics.RECURRENCES),
        ):
            parts.append((values, [f"{name}_speech_{column}" for name in named for column in columns], family))
        if family == "mel":
            matrix, names = _grouped(matrix), _group_names()
        else:
            names = list(named)
        swings = [f"{name}_modulation_{band}" for name in names for band in contour_statistics.MODULATIONS]
        parts.append((contour_statistics.modulation(matrix), swings, "modulation"))
    return parts


def _covariances(clip: Contours) -> list[_Part]:
    """Covariances of cepstra, of bands and of measures of the voice."""
    mfcc = clip.families["mfcc"]
    cepstra, names = np.stack(list(mfcc.values())), list(mfcc)
    groups = _grouped(np.stack(list(clip.families["mel"].values())))
    flat = {name: contour for named in clip.families.values() for name, contour in named.items()}
    voice = np.stack([flat[name] / spread for name, spread in _SPREADS.items()])
    crossed = cepstra[:_CROSSED, clip.speech] / _CEPSTRAL_SPREAD[:, np.newaxis]
    return [
        (contour_statistics.covariance(cepstra[:, clip.speech], 0.3), contour_statistics.pair_names(names), "mfcc"),
        (
            contour_statistics.covariance(groups[:, clip.speech], 0.3),
            contour_statistics.pair_names(_group_names()),
            "mel",
        ),
        (
            contour_statistics.covariance(voice[:, clip.voiced], 0.03),
            contour_statistics.pair_names(list(_SPREADS)),
            "voice quality",
        ),
        (contour_statistics.cross_covariance(crossed), contour_statistics.cross_names(names[:_CROSSED]), "mfcc"),
    ]


_CEPSTRAL_SPREAD = np.array([62, 19, 20, 13, 12, 10, 8, 7, 6, 6, 5, 5], np.float32)
"""Rough standard deviations of cepstra in speech."""


def _grouped(mel: np.ndarray) -> np.ndarray:
    """float32 [groups, frames], means of neighbouring bands."""
    return mel.reshape(_GROUPS, -1, mel.shape[1]).mean(axis=1)


def _group_names() -> list[str]:
    return [f"mel_group_{group}" for group in range(_GROUPS)]


_LAYOUT = _parts(contours(np.zeros(16_000, np.int16)), 16_000)

FUNCTIONALS = FeatureSet(
    name="functionals",
    version=2,
    names=tuple(name for _, names, _ in _LAYOUT for name in names),
    families=tuple(family for _, names, family in _LAYOUT for _ in names),
    extract=extract,
)
"""The feature set with which classical classifiers are most accurate."""
