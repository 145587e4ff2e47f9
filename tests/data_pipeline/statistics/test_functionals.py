import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.statistics import FEATURE_SETS, SEQUENCE
from tests.data_pipeline.statistics.glottal import as_pcm, voice

FUNCTIONALS = FEATURE_SETS["functionals"]


def values(waveform: np.ndarray) -> dict[str, float]:
    return dict(zip(FUNCTIONALS.names, FUNCTIONALS.extract(as_pcm(waveform)), strict=True))


def tone_bursts(per_second: int, seconds: float = 3.0) -> np.ndarray:
    times = np.arange(round(seconds * 16_000)) / 16_000
    return voice(150.0, seconds) * (np.mod(times * per_second, 1) < 0.5)


@pytest.mark.parametrize("feature_set", [*FEATURE_SETS.values(), SEQUENCE], ids=lambda chosen: chosen.name)
def test_each_feature_has_a_name_of_its_own_and_a_family(feature_set):
    extracted = feature_set.extract(as_pcm(voice(150.0, 0.5)))

    assert extracted.dtype == np.float32
    assert extracted.shape[-1] == len(feature_set.names) == len(feature_set.families)
    assert len(set(feature_set.names)) == len(feature_set.names)


@settings(max_examples=40, deadline=None)
@given(
    samples=st.integers(0, 20_000),
    kind=st.sampled_from(["silence", "noise", "faint", "constant", "square", "click"]),
    seed=st.integers(0, 100),
)
def test_any_clip_gives_finite_numbers(samples, kind, seed):
    random = np.random.default_rng(seed)
    pcm = {
        "silence": np.zeros(samples),
        "noise": random.integers(-32_768, 32_768, samples),
        "faint": random.integers(-1, 2, samples),
        "constant": np.full(samples, 32_767),
        "square": 32_767 * np.sign(np.sin(np.arange(samples) / 9)),
        "click": np.where(np.arange(samples) == samples // 2, 30_000, 0),
    }[kind].astype(np.int16)

    assert np.isfinite(FUNCTIONALS.extract(pcm)).all()
    assert np.isfinite(SEQUENCE.extract(pcm)).all()
    assert len(SEQUENCE.extract(pcm)) >= 1


def test_equal_clips_give_equal_values():
    pcm = as_pcm(voice(150.0, 0.5))

    assert np.array_equal(FUNCTIONALS.extract(pcm), FUNCTIONALS.extract(pcm.copy()))


def test_gain_moves_levels_and_leaves_pitch_and_shape():
    noise = np.random.default_rng(0).normal(0, 0.002, 24_000).astype(np.float32)
    wave = voice(np.linspace(120, 250, 24_000), gain=0.6) + noise

    loud, soft = values(wave), values(wave / 2)

    assert loud["level_all_mean"] - soft["level_all_mean"] == pytest.approx(6.02, abs=0.1)
    assert loud["loudness_all_mean"] > soft["loudness_all_mean"]
    for name in ("semitones_voiced_mean", "semitones_voiced_std", "mfcc_2_voiced_mean", "alpha_ratio_voiced_mean"):
        assert loud[name] == pytest.approx(soft[name], rel=0.02, abs=0.2), name


def test_an_octave_is_twelve_semitones():
    low, high = values(voice(120.0)), values(voice(240.0))

    assert high["semitones_voiced_mean"] - low["semitones_voiced_mean"] == pytest.approx(12, abs=0.2)


def test_a_rising_pitch_has_a_slope():
    rising = values(voice(np.geomspace(120, 240, 24_000)))

    assert rising["semitones_voiced_slope"] == pytest.approx(12 / 1.5, rel=0.05)


def test_a_rough_voice_has_more_jitter_and_shimmer():
    random = np.random.default_rng(0)
    steps = np.repeat(random.normal(0, 1, 150), 160)

    smooth, rough = values(voice(150.0)), values(voice(150 * 1.03**steps) * 1.2**steps)

    assert rough["jitter_voiced_mean"] > 3 * smooth["jitter_voiced_mean"]
    assert rough["shimmer_voiced_mean"] > 3 * smooth["shimmer_voiced_mean"]


@pytest.mark.parametrize("per_second", [2, 4])
def test_peaks_of_energy_and_pauses_are_counted(per_second):
    found = values(tone_bursts(per_second))

    assert found["peaks_per_second"] == pytest.approx(per_second, rel=0.3)
    assert found["pauses_per_second"] == pytest.approx(per_second, rel=0.3)
    assert found["pause_mean"] == pytest.approx(0.5 / per_second, abs=0.05)
    assert found["active_share"] == pytest.approx(0.55, abs=0.12)


def test_silence_around_speech_counts_for_the_clip_alone():
    wave = voice(150.0, 1.0)
    silence = np.zeros(16_000, np.float32)

    alone, amid = values(wave), values(np.concatenate([silence, wave, silence]))

    assert amid["clip_seconds"] == pytest.approx(3.0)
    assert amid["speech_seconds"] == pytest.approx(alone["speech_seconds"], abs=0.1)
    assert amid["mel_10_voiced_mean"] == pytest.approx(alone["mel_10_voiced_mean"], abs=2.0)
    assert amid["mel_10_all_mean"] < alone["mel_10_all_mean"] - 20


def test_a_sequence_has_a_row_every_ten_milliseconds():
    sequence = SEQUENCE.extract(as_pcm(voice(200.0, 1.0)))

    assert len(sequence) == 98
    semitones = sequence[5:-5, SEQUENCE.names.index("semitones")]
    assert semitones == pytest.approx(12 * np.log2(200 / 27.5), abs=0.2)
    assert sequence[5:-5, SEQUENCE.names.index("voiced")] == pytest.approx(1)
