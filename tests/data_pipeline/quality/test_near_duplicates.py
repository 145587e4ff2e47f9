"""One recording in different clothes is found, two takes of one sentence are not."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.audio.decode import decode
from data_pipeline.emotion import Emotion
from data_pipeline.quality.duplicates import identical_groups, linked_groups
from data_pipeline.quality.fingerprint import SIZE, fingerprint
from data_pipeline.quality.near_duplicates import SAME, Match, candidates, correlate, match_candidates
from data_pipeline.quality.recording import Recording


def coded(pcm: np.ndarray, rate: int = 16_000, **how) -> np.ndarray:
    """The PCM written in a format, read back and brought to 16 kHz."""
    waveform = soxr.resample(pcm / 32_768, 16_000, rate)
    content = io.BytesIO()
    soundfile.write(content, waveform, rate, **how)
    content.seek(0)
    back, _ = soundfile.read(content)
    return to_int16(soxr.resample(back, rate, 16_000))


def to_int16(waveform: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(waveform * 32_768), -32_768, 32_767).astype(np.int16)


COPIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mp3": lambda pcm: coded(pcm, format="MP3"),
    "mp3 at its lowest rate": lambda pcm: coded(pcm, format="MP3", compression_level=0.95),
    "ogg": lambda pcm: coded(pcm, format="OGG", compression_level=0.9),
    "12 dB quieter": lambda pcm: pcm // 4,
    "3 dB louder, clipped": lambda pcm: to_int16(1.41 * pcm / 32_768),
    "opposite polarity": lambda pcm: to_int16(-pcm / 32_768),
    "starts 50 ms later": lambda pcm: pcm[800:],
    "50 ms of silence before": lambda pcm: np.concatenate([np.zeros(800, np.int16), pcm]),
    "100 ms cut off its end": lambda pcm: pcm[:-1_600],
    "8 kHz and back": lambda pcm: coded(pcm, 8_000, format="WAV", subtype="PCM_16"),
    "telephone": lambda pcm: coded(pcm, 8_000, format="WAV", subtype="ULAW"),
    "noise 25 dB below": lambda pcm: to_int16(
        pcm / 32_768 + np.random.default_rng(0).normal(0, pcm.std() / 32_768 * 10 ** (-25 / 20), len(pcm))
    ),
}


def proposed(first: np.ndarray, second: np.ndarray) -> bool:
    return candidates([fingerprint(first), fingerprint(second)]) == [(0, (1,))]


@pytest.fixture(scope="module")
def clips(speech_data) -> list[np.ndarray]:
    """Eight real clips of three corpora."""
    crema_d = sorted((speech_data / "crema_d" / "AudioMP3").glob("10[1-5]2_*.mp3"))
    emodb = sorted((speech_data / "emodb" / "wav").iterdir())
    ravdess = sorted((speech_data / "ravdess").glob("*/*.ogg"))
    return [decode(path) for path in (*crema_d[::100][:4], *emodb[::250][:2], *ravdess[::120][:2])]


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_a_copy_is_found(clips, copy):
    for pcm in clips:
        other = copy(pcm)

        assert proposed(pcm, other)
        assert correlate(pcm, other).correlation >= SAME


def test_different_takes_of_one_sentence_are_not_one(speech_data):
    # The last but one number of a RAVDESS name is the repetition.
    first_takes = sorted((speech_data / "ravdess").glob("Actor_0[12]/03-01-0[1-5]-01-*-01-??.ogg"))
    takes = [(path, path.with_stem(f"{path.stem[:-5]}02{path.stem[-3:]}")) for path in first_takes]
    crema_d = speech_data / "crema_d" / "AudioMP3"
    takes += [(crema_d / f"{actor}_IEO_ANG_LO.mp3", crema_d / f"{actor}_IEO_ANG_MD.mp3") for actor in (1001, 1012)]

    assert len(takes) > 10
    for first, second in takes:
        assert correlate(decode(first), decode(second)).correlation < SAME


def test_crema_d_is_not_buried_in_candidates(speech_data):
    paths = sorted((speech_data / "crema_d" / "AudioMP3").glob("10[12]7_*.mp3"))
    pairs = candidates([fingerprint(decode(path)) for path in paths])

    named = {tuple(sorted((paths[first].stem, paths[other].stem))) for first, others in pairs for other in others}
    assert ("1017_IWW_ANG_XX", "1017_IWW_FEA_XX") in named
    # One recording cut at two places, 4 video frames apart.
    assert ("1017_IWL_ANG_XX", "1017_IWL_FEA_XX") in named
    assert len(named) < len(paths) / 4


def noise(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-5_000, 5_000, round(16_000 * seconds)).astype(np.int16)


@settings(max_examples=25, deadline=None)
@given(st.integers(-3_000, 3_000), st.sampled_from([0.25, 0.5, 2.0, -1.0]), st.integers(0, 99))
def test_shift_and_gain_are_measured(half_shift, gain, seed):
    # Even, since between two samples at 8 kHz white noise has no clear maximum.
    shift = 2 * half_shift
    long = noise(1.5, seed)
    first, second = long[max(0, -shift) :], long[max(0, shift) :]

    match = correlate(first, to_int16(gain * second / 32_768))

    assert match.shift == pytest.approx(shift / 16_000, abs=1.01 / 8_000)
    assert match.gain == pytest.approx(20 * np.log10(abs(gain)), abs=0.3)
    assert match.correlation > SAME


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40_000), st.integers(1, 40_000))
def test_different_noises_of_any_length_do_not_correlate(first, second):
    match = correlate(noise(2.5, 1)[: 400 + first], noise(2.5, 2)[: 400 + second])

    assert match.correlation < SAME


@pytest.mark.parametrize("pcm", [np.zeros(16_000, np.int16), np.full(16_000, 9_000, np.int16), np.ones(1, np.int16)])
def test_what_holds_no_sound_matches_nothing(pcm):
    assert correlate(pcm, pcm).correlation == 0
    assert correlate(pcm, noise()).correlation == 0


def test_fingerprints_have_one_size_whatever_the_length():
    assert {len(fingerprint(noise(seconds))) for seconds in (0.5, 1.0, 7.3)} == {SIZE}
    assert fingerprint(noise(0.4)) == fingerprint(np.zeros(16_000, np.int16)) == b""


def test_candidates_across_blocks_are_the_same_as_by_hand():
    rng = np.random.default_rng(0)
    originals = rng.integers(-100, 101, (3_000, SIZE)).astype(np.int8)
    copies = np.clip(originals[::7].astype(int) + rng.integers(-20, 21, originals[::7].shape), -127, 127)
    prints = [row.tobytes() for row in (*originals, *copies.astype(np.int8))]
    prints[5] = b""
    done = []

    found = candidates(prints, done.append)

    assert found == [(7 * place, (3_000 + place,)) for place in range(len(copies))]
    assert done == sorted(done)
    assert done[-1] == len(prints)


def test_a_thousand_copies_do_not_propose_a_million_pairs():
    one = fingerprint(noise())

    found = candidates([one] * 1_000)

    assert len(found) == 999
    assert sum(len(others) for _, others in found) < 8_000


def test_nothing_to_compare():
    assert candidates([]) == candidates([b"", b""]) == []


def recording(path: Path, **known) -> Recording:
    return Recording("c", path.stem, str(path), 1, **known)


def test_files_are_compared_and_what_has_gone_is_passed_over(tmp_path):
    for name, pcm in {"a": noise(), "b": noise()[400:], "c": noise(seed=1)}.items():
        soundfile.write(tmp_path / f"{name}.wav", pcm, 16_000)
    a, b, c, gone = (recording(tmp_path / f"{name}.wav") for name in ("a", "b", "c", "gone"))

    found = match_candidates((a, [b, c, gone]))

    assert found[0].shift == pytest.approx(0.025, abs=1e-3)
    assert found[1:] == [None, None]
    assert match_candidates((gone, [a, b])) == [None, None]


def test_pairs_become_groups():
    recordings = [
        Recording("c", str(place), "", 1, speaker=str(place % 2), emotion=emotion, split=split)
        for place, (emotion, split) in enumerate(
            [(Emotion.ANGER, "train"), (Emotion.FEAR, "train"), (None, None), (Emotion.ANGER, "test"), (None, None)]
        )
    ]
    match = Match(0.9, 0.0, 0.0)

    one, two = linked_groups(recordings, [((1, 4), match), ((0, 3), match), ((2, 4), match)])

    assert one.places == (0, 3)
    assert (one.contradictory, one.leaking, len(one.speakers)) == (False, True, 2)
    assert two.places == (1, 2, 4)
    assert (two.contradictory, two.leaking) == (False, False)
    assert [pair for pair, _ in two.matches] == [(1, 4), (2, 4)]


def test_identical_samples_become_groups():
    recordings = [Recording("c", str(place), "", 1, emotion=list(Emotion)[place]) for place in range(5)]

    (group,) = identical_groups(recordings, ["x", "", "y", "", "x"])

    assert group.places == (0, 4)
    assert group.contradictory
