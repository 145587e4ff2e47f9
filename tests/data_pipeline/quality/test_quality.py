"""Quality: what is measured of a recording, what is held against it, and the same audio under different labels."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.audio.decode import Audio, decode
from data_pipeline.audio.limits import SILENCE
from data_pipeline.audio.track import Track
from data_pipeline.emotion import Emotion
from data_pipeline.quality.duplicates import conflicts
from data_pipeline.quality.findings import UNUSABLE, Finding, Kind, judge
from data_pipeline.quality.measure import Measurement, active_level, longest_run, measure, measure_audio
from data_pipeline.quality.recording import Recording
from data_pipeline.quality.unusable import unusable_reason
from tests.voice import voice


def pcm(samples: int, amplitude: int) -> np.ndarray:
    waveform = np.zeros(samples, np.int16)
    waveform[samples // 2] = amplitude
    return waveform


@pytest.mark.parametrize("amplitude", [SILENCE, -SILENCE, 32_767, -32_768])
def test_one_audible_sample_is_enough(amplitude):
    assert not unusable_reason(pcm(16_000, amplitude)).startswith("is silent")


@pytest.mark.parametrize("amplitude", [0, 1, SILENCE - 1, 1 - SILENCE])
def test_silence_is_told(amplitude):
    assert unusable_reason(pcm(16_000, amplitude)).startswith("is silent")


@pytest.mark.parametrize("samples", [1, 800, 1_599])
def test_less_than_a_tenth_of_a_second_is_too_short(samples):
    assert unusable_reason(pcm(samples, 5_000)).startswith("is shorter than 0.1 s")


def test_a_tenth_of_a_second_is_long_enough():
    assert not unusable_reason(pcm(1_600, 5_000)).startswith("is shorter")


def test_nothing_at_all_is_too_short():
    assert unusable_reason(np.zeros(0, np.int16)).startswith("is shorter than 0.1 s")


def test_identical_audio_under_different_labels():
    (found,) = conflicts(
        [
            ("c/b", Emotion.SADNESS),
            ("c/a", Emotion.ANGER),
            ("c/c", Emotion.FEAR),
        ],
        ["x", "x", "y"],
    )

    assert found.names == ("c/a", "c/b")
    assert found.values == (Emotion.ANGER, Emotion.SADNESS)


def test_identical_audio_under_one_label_is_no_contradiction():
    assert conflicts([("c/a", Emotion.FEAR), ("c/b", Emotion.FEAR)], ["x", "x"]) == []


@given(st.lists(st.tuples(st.sampled_from(Emotion), st.sampled_from("xyz")), max_size=30), st.randoms())
def test_groups_are_complete_and_do_not_depend_on_order(labels, random):
    clips = [((f"c/{number}", emotion), digest) for number, (emotion, digest) in enumerate(labels)]
    shuffled = random.sample(clips, len(clips))

    found = conflicts([clip for clip, _ in clips], [digest for _, digest in clips])

    assert conflicts([clip for clip, _ in shuffled], [digest for _, digest in shuffled]) == found
    digest_of = {name: digest for (name, _), digest in clips}
    for group in found:
        (digest,) = {digest_of[name] for name in group.names}
        assert set(group.names) == {name for name in digest_of if digest_of[name] == digest}
        assert len(set(group.values)) > 1


def sine(seconds: float = 1.0, rate: int = 16_000, amplitude: float = 0.1, frequency: float = 200.0) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def measured(
    *channels: np.ndarray, rate: int = 16_000, coding: str = "WAV PCM_16", track: Track | None = None
) -> Measurement:
    samples = np.stack(channels, axis=1).astype(np.float32)
    return measure_audio(Audio(samples, rate, coding, float(np.abs(samples).max(initial=0.0))), track)


def findings_of(*measurements: Measurement, corpus: str = "c") -> list[Finding]:
    recordings = [Recording(corpus, str(place), f"{place}.wav", 1) for place in range(len(measurements))]
    return judge(recordings, measurements)


def kinds(*measurements: Measurement) -> list[tuple[int, Kind]]:
    return [(finding.place, finding.kind) for finding in findings_of(*measurements)]


def test_a_sine_is_measured_right():
    found = measured(sine(2.0, 48_000, amplitude=0.1) + 0.002, rate=48_000)

    assert (found.seconds, found.rate, found.channels, found.format) == (2.0, 48_000, 1, "WAV PCM_16")
    assert found.peak == pytest.approx(20 * np.log10(0.102), abs=0.01)
    assert found.level == pytest.approx(20 * np.log10(0.1 / np.sqrt(2)), abs=0.02)
    assert found.offset == pytest.approx(0.002, abs=1e-5)
    assert found.full_scale == found.longest_clip == found.dead_channels == 0
    assert found.zeros == 0


def test_the_level_is_that_of_the_speech_without_its_pauses():
    speech = np.rint(sine(1.0) * 32_768).astype(np.int16)
    noise = np.random.default_rng(0).integers(-3, 4, 32_000).astype(np.int16)

    assert active_level(np.concatenate([noise, speech, noise])) == pytest.approx(active_level(speech), abs=0.3)


@given(st.integers(1, 12_000), st.sampled_from([0.5, 0.25, 0.125]))
def test_the_level_follows_the_gain(samples, gain):
    pcm = np.random.default_rng(samples).integers(-8_192, 8_192, samples).astype(np.int16) // 8 * 8

    difference = active_level((pcm * gain).astype(np.int16)) - active_level(pcm)

    assert difference == pytest.approx(20 * np.log10(gain), abs=0.1) or not (pcm - pcm.mean()).any()


@given(st.lists(st.booleans(), max_size=60))
def test_the_longest_run(flags):
    text = "".join("x" if flag else " " for flag in flags)

    assert longest_run(np.array(flags, bool)) == max(map(len, text.split()), default=0)


@pytest.mark.parametrize(
    ("subtype", "container"), [("PCM_16", "WAV"), ("PCM_U8", "WAV"), ("ULAW", "WAV"), ("ALAW", "WAV"), ("FLOAT", "WAV")]
)
def test_clipping_is_seen_in_every_coding(tmp_path, subtype, container):
    path = tmp_path / "clip.wav"
    soundfile.write(path, np.clip(voice(amplitude=4.0), -1, 1), 16_000, format=container, subtype=subtype)

    ((_, kind),) = kinds(measure(Recording("c", "clip", str(path), 1)))

    assert kind is Kind.CLIPPED


def test_a_recording_that_was_normalised_to_full_scale_is_not_clipped():
    assert kinds(measured(voice(2.0, amplitude=1.0))) == []


def test_a_few_flat_crests_in_a_long_recording_are_clipping():
    waveform = voice(20.0, amplitude=0.1)
    waveform[1_000:1_006] = 1.0

    (finding,) = findings_of(measured(waveform))

    assert finding.kind is Kind.CLIPPED
    assert "6 in a row" in finding.detail


@pytest.mark.parametrize(
    ("measurement", "kind"),
    [
        (measured(voice(amplitude=0.1) + 0.02), Kind.OFFSET),
        (measured(voice(amplitude=0.1) - 0.02), Kind.OFFSET),
        (measured(np.concatenate([voice(amplitude=0.1), np.zeros(20_000)])), Kind.GAPS),
        (measured(voice(amplitude=0.1), np.zeros(16_000), track="left"), Kind.DEAD_CHANNEL),
        (measured(voice(amplitude=0.1), voice(amplitude=0.1) * 1e-4, track="left"), Kind.DEAD_CHANNEL),
        (measured(voice(amplitude=0.1), np.zeros(16_000)), Kind.PARTIES),
        (measured(voice(amplitude=0.1), voice(seed=1)), Kind.PARTIES),
        (measured(voice(0.3, amplitude=0.1)), Kind.SHORT),
        (measured(voice(31.0, amplitude=0.1)), Kind.LONG),
        (measured(voice(amplitude=2e-3)), Kind.LEVEL),
        (measured(voice(0.09, amplitude=0.1)), Kind.TOO_SHORT),
        (measured(sine()), Kind.NO_SPEECH),
        (measured(np.random.default_rng(0).normal(0, 0.1, 32_000)), Kind.NO_SPEECH),
        (measured(np.zeros(16_000)), Kind.SILENT),
        (measured(voice(amplitude=4e-4)), Kind.SILENT),
        (measured(voice(amplitude=0.1), -voice(amplitude=0.1)), Kind.PARTIES),
        (Measurement(failure="is empty (zero bytes)"), Kind.EMPTY),
        (Measurement(failure="cannot be decoded as audio (Format not recognised)"), Kind.UNREADABLE),
    ],
)
def test_what_is_wrong_with_one_recording(measurement, kind):
    assert kinds(measurement) == [(0, kind)]


def test_a_good_recording_has_no_findings():
    assert (
        kinds(measured(voice(2.0, amplitude=0.1)), measured(voice(2.0, amplitude=0.1), voice(2.0, amplitude=0.1))) == []
    )


def test_a_file_that_goes_on_for_hours_is_too_long(tmp_path):
    soundfile.write(tmp_path / "clip.flac", np.zeros(8_000 * 301, np.int16), 8_000)

    assert kinds(measure(Recording("c", "clip", str(tmp_path / "clip.flac"), 1))) == [(0, Kind.TOO_LONG)]


def test_a_missing_file_is_a_finding_not_an_error(tmp_path):
    assert kinds(measure(Recording("c", "clip", str(tmp_path / "gone.wav"), 1))) == [(0, Kind.UNREADABLE)]


def test_a_part_of_a_file_is_measured_alone(tmp_path):
    waveform = np.concatenate([np.zeros(16_000), voice(amplitude=0.1), np.zeros(16_000)])
    soundfile.write(tmp_path / "call.wav", waveform, 16_000)

    part = measure(Recording("c", "part", str(tmp_path / "call.wav"), 1, start=1.0, end=2.0))

    assert part.seconds == 1.0
    assert part.zeros < 0.1


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"level": -45.0}, Kind.LEVEL),
        ({"level": -9.0}, Kind.LEVEL),
        ({"rate": 96_000}, Kind.RATE),
        ({"channels": 2}, Kind.CHANNELS),
    ],
)
def test_one_out_of_line_among_many(change, kind):
    usual = [replace(measured(voice(amplitude=0.1)), level=level) for level in np.linspace(-28, -24, 20)]

    assert kinds(*usual, replace(usual[0], **change)) == [(20, kind)]
    assert kinds(*usual, usual[0]) == []


def test_a_corpus_of_two_sources_has_two_usual_rates():
    usual = [replace(measured(voice(amplitude=0.1)), rate=rate) for rate in [16_000] * 10 + [44_100] * 4]

    assert kinds(*usual) == []


def test_a_corpus_that_varies_in_level_is_left_alone():
    assert kinds(*(replace(measured(voice(amplitude=0.1)), level=level) for level in np.linspace(-50, -15, 30))) == []


def test_corpora_are_judged_apart():
    loud, quiet = (replace(measured(voice(amplitude=0.1)), level=level) for level in (-15.0, -45.0))
    recordings = [Recording(corpus, str(place), "", 1) for corpus in "ab" for place in range(12)]

    assert judge(recordings, [loud] * 12 + [quiet] * 12) == []


def test_findings_agree_with_prepare_about_what_is_useless(tmp_path):
    rng = np.random.default_rng(0)
    for place, (seconds, amplitude) in enumerate(
        [(0.05, 0.5), (0.2, 0.5), (1, 0), (1, 4.8e-4), (1, 4.95e-4), (1, 0.5)]
    ):
        path = tmp_path / f"{place}.wav"
        soundfile.write(path, amplitude * rng.choice([-1.0, 1.0], round(seconds * 16_000)), 16_000)

        found = findings_of(measure(Recording("c", str(place), str(path), 1)))

        assert any(finding.kind in UNUSABLE for finding in found) == bool(unusable_reason(decode(path)))
