"""The synthetic corpus: files laid out like a corpus, speakers and emotions that can be measured in them."""

import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.corpora import open_corpus
from data_pipeline.corpora.synthetic import Synthetic, clip_name, make_clip, make_speaker, synthesize
from data_pipeline.emotion import LABELS, Emotion
from data_pipeline.errors import UserError
from data_pipeline.speech_synthesis.articulation import PHONES, SENTENCES, articulate, frames_of, phones_of
from data_pipeline.speech_synthesis.expression import INTENSITIES
from data_pipeline.speech_synthesis.speaker import draw_speaker, say

SPEAKERS, CLIPS = 6, 4


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    assert synthesize(folder, speakers=SPEAKERS, clips_per_emotion=CLIPS, seed=3) == SPEAKERS * CLIPS * 6
    return folder


def read(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_768.0


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def level_db(waveform: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(waveform**2)))


def median_f0(waveform: np.ndarray) -> float:
    """Median over frames of 64 ms whose autocorrelation says that they are voiced, in Hz."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform, 1_024)[::320]
    loud = frames[np.mean(frames**2, axis=1) > 0.1 * np.mean(waveform**2)]
    correlation = np.fft.irfft(np.abs(np.fft.rfft(loud * np.hanning(1_024), 2_048)) ** 2)[:, :512]
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(1_024), 2_048)) ** 2)[:512]
    correlation = correlation / window / (correlation[:, :1] / window[0])
    lags = np.arange(SAMPLE_RATE // 550, SAMPLE_RATE // 60)
    best = correlation[:, lags].max(axis=1)
    # The shortest lag that is nearly as good as the best: the period and not its multiple.
    period = lags[np.argmax(correlation[:, lags] > 0.9 * best[:, None], axis=1)]
    return float(np.median(SAMPLE_RATE / period[best > 0.5]))


def mean_over(folder: Path, measure, **wanted) -> float:
    clips = [c for c in Synthetic().clips(folder) if all(getattr(c, key) == value for key, value in wanted.items())]
    assert clips
    return float(np.mean([measure(read(Path(clip.file.location))) for clip in clips]))


def test_every_clip_is_described_by_its_name(corpus):
    clips = Synthetic().clips(corpus)
    assert len(clips) == SPEAKERS * CLIPS * 6
    assert [clip.name for clip in clips] == sorted({clip.name for clip in clips})
    assert {clip.emotion for clip in clips} == set(LABELS)
    assert {clip.corpus for clip in clips} == {"synthetic"}
    for clip in clips:
        assert clip.file.location == str(corpus / f"{clip.name}.wav")
        assert clip.sentence in SENTENCES
        assert clip.sex == ("female" if int(clip.speaker[1:]) % 2 else "male")
        assert (clip.intensity == "unspecified") == (clip.emotion is Emotion.NEUTRAL)
    assert {clip.intensity for clip in clips} == {*INTENSITIES, "unspecified"}


def test_a_name_reads_as_it_was_written():
    assert clip_name(1, Emotion.ANGER, 1) == "S01_BLU_ANG_MD_00"
    assert clip_name(12, Emotion.NEUTRAL, 8) == "S12_AWK_NEU_XX_01"
    assert clip_name(120, Emotion.SADNESS, 0) == "S120_AWK_SAD_LO_00"


@given(number=st.integers(1, 300), emotion=st.sampled_from(list(LABELS)), index=st.integers(0, 200))
def test_names_round_trip(tmp_path_factory, number, emotion, index):
    folder = tmp_path_factory.getbasetemp() / "names"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    name = clip_name(number, emotion, index)
    (folder / f"{name}.wav").touch()
    (folder / "speakers.csv").write_text(f"id,sex\nS{number:02d},male\n")
    [clip] = Synthetic().clips(folder)
    assert (clip.name, clip.speaker, clip.emotion) == (name, f"S{number:02d}", emotion)


def test_names_are_unique():
    names = {clip_name(n, emotion, i) for n in (1, 2, 100) for emotion in LABELS for i in range(60)}
    assert len(names) == 3 * 6 * 60


def test_a_second_run_writes_the_same_bytes(tmp_path):
    for _ in range(2):
        synthesize(tmp_path / "again", speakers=2, clips_per_emotion=2, seed=3)
    synthesize(tmp_path / "beside", speakers=2, clips_per_emotion=2, seed=3)
    assert contents(tmp_path / "again") == contents(tmp_path / "beside")


def test_a_smaller_corpus_is_part_of_a_larger_one(corpus, tmp_path):
    synthesize(tmp_path, speakers=2, clips_per_emotion=1, seed=3)
    smaller, larger = contents(tmp_path), contents(corpus)
    assert len(smaller) == 2 * 6 + 1
    assert all(larger[name] == content for name, content in smaller.items() if name.endswith(".wav"))


def test_another_seed_gives_other_voices(corpus, tmp_path):
    synthesize(tmp_path, speakers=1, clips_per_emotion=1, seed=4)
    other = contents(tmp_path)
    assert all(contents(corpus)[name] != content for name, content in other.items() if name.endswith(".wav"))


def test_clips_are_whole_when_they_are_announced(tmp_path):
    seen = []
    synthesize(tmp_path, speakers=1, clips_per_emotion=2, on_clip=lambda path: seen.append((path, len(read(path)))))
    assert [path.name for path, _ in seen] == [f"{clip_name(1, e, i)}.wav" for e in LABELS for i in range(2)]
    assert not list(tmp_path.glob(".*"))


def test_what_a_killed_run_had_half_written_is_no_stranger(tmp_path):
    (tmp_path / ".k3x_q81z.part.wav").write_bytes(b"RIFF")

    synthesize(tmp_path, speakers=1, clips_per_emotion=1)

    assert len(Synthetic().clips(tmp_path)) == 6


def test_an_interrupted_run_is_not_taken_for_a_corpus(tmp_path):
    def stop(path: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(tmp_path, speakers=1, clips_per_emotion=1, on_clip=stop)
    with pytest.raises(UserError, match="not a complete synthetic corpus"):
        Synthetic().clips(tmp_path)
    synthesize(tmp_path, speakers=1, clips_per_emotion=1)
    assert len(Synthetic().clips(tmp_path)) == 6


def test_lengths_and_levels_are_as_in_a_recording(corpus):
    for clip in Synthetic().clips(corpus):
        waveform = read(Path(clip.file.location))
        assert 1.0 <= len(waveform) / SAMPLE_RATE <= 3.0
        assert 0.005 < np.abs(waveform).max() < 1.0


@settings(max_examples=40, deadline=None)
@given(
    sentence=st.sampled_from(list(SENTENCES)),
    sex=st.sampled_from(["female", "male"]),
    emotion=st.sampled_from(list(LABELS)),
    intensity=st.floats(0.0, 2.0),
    seed=st.integers(0, 2**32),
)
def test_any_utterance_is_finite_and_within_full_scale(sentence, sex, emotion, intensity, seed):
    rng = np.random.default_rng(seed)
    waveform = say(sentence, draw_speaker(sex, rng), emotion, intensity, rng)
    assert SAMPLE_RATE <= len(waveform) <= 3 * SAMPLE_RATE
    assert np.isfinite(waveform).all()
    assert 0.0 < np.abs(waveform).max() < 1.0


def test_anger_is_louder_higher_and_brighter_than_sadness(corpus):
    def high_share_db(waveform: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(waveform, 4 * SAMPLE_RATE)) ** 2
        return float(10 * np.log10(power[8_000:].sum() / power[400:].sum()))  # above 2 kHz

    louder, higher, brighter = 0, 0, 0
    for number in range(1, SPEAKERS + 1):
        anger = {"speaker": f"S{number:02d}", "emotion": Emotion.ANGER}
        sadness = anger | {"emotion": Emotion.SADNESS}
        louder += mean_over(corpus, level_db, **anger) > mean_over(corpus, level_db, **sadness) + 6
        higher += mean_over(corpus, median_f0, **anger) > 1.1 * mean_over(corpus, median_f0, **sadness)
        brighter += mean_over(corpus, high_share_db, **anger) > mean_over(corpus, high_share_db, **sadness)
    assert (louder, higher, brighter) == (SPEAKERS, SPEAKERS, SPEAKERS)


def test_sadness_is_slower_than_fear(corpus):
    assert mean_over(corpus, len, emotion=Emotion.SADNESS) > 1.15 * mean_over(corpus, len, emotion=Emotion.FEAR)


def test_neutral_f0_is_that_of_adults(corpus):
    female = mean_over(corpus, median_f0, sex="female", emotion=Emotion.NEUTRAL)
    male = mean_over(corpus, median_f0, sex="male", emotion=Emotion.NEUTRAL)
    assert 165 < female < 260
    assert 85 < male < 150


def test_a_clip_depends_on_its_key_alone():
    speaker = make_speaker(0, 5)
    after_others = [make_clip(0, speaker, 5, emotion, 0) for emotion in LABELS][-1]
    np.testing.assert_array_equal(after_others, make_clip(0, make_speaker(0, 5), 5, list(LABELS)[-1], 0))
    assert not np.array_equal(
        make_clip(0, speaker, 5, Emotion.ANGER, 0)[:100], make_clip(0, speaker, 5, Emotion.FEAR, 0)[:100]
    )


def test_sentences_are_spelt_in_known_phones():
    for sentence in SENTENCES.values():
        symbols = sentence.replace("/", " ").split()
        assert all(symbol.rstrip("1") in PHONES for symbol in symbols)
        assert any(symbol.endswith("1") for symbol in symbols)


def test_a_shorter_tract_raises_the_formants_and_haste_shortens_speech():
    phones = phones_of(SENTENCES["AWK"])
    frames = frames_of(phones, 1.0)
    long, short = (articulate(phones, tract=tract, effort=1.0, frames=frames) for tract in (1.0, 1.17))
    np.testing.assert_allclose(short.formants, 1.17 * long.formants)
    assert len(long.voicing) == frames
    assert frames_of(phones, 1.25) == pytest.approx(frames / 1.25, abs=1)
    assert frames_of(phones_of(SENTENCES["AWK"], {0: 200.0}), 1.0) == frames + 20


def test_the_registry_knows_it_as_synthetic():
    corpus = open_corpus("synthetic")
    assert corpus.synthetic
    assert corpus.name == "synthetic"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere is not a folder: .*ser data synthesize"):
        Synthetic().clips(tmp_path / "nowhere")


def test_a_folder_without_the_table_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no speakers\.csv"):
        Synthetic().clips(tmp_path)


def test_a_folder_without_clips_is_refused(tmp_path):
    (tmp_path / "speakers.csv").write_text("id,sex\nS01,female\n")
    (tmp_path / "1001_IEO_NEU_XX.wav").touch()
    with pytest.raises(UserError, match="holds no clip named like"):
        Synthetic().clips(tmp_path)


@pytest.mark.parametrize("content", [b"name;sex\nS01;female\n", b"\xff\xfe\x00", b"id\nS01\n"])
def test_a_broken_table_is_named(tmp_path, content):
    (tmp_path / "speakers.csv").write_bytes(content)
    (tmp_path / "S01_AWK_ANG_LO_00.wav").touch()
    with pytest.raises(UserError, match=r"speakers\.csv is not a table with the columns id and sex"):
        Synthetic().clips(tmp_path)


def test_an_unlisted_speaker_is_named(tmp_path):
    (tmp_path / "speakers.csv").write_text("id,sex\nS01,female\n")
    (tmp_path / "S02_AWK_ANG_LO_00.wav").touch()
    with pytest.raises(UserError, match=r"does not list S02 of S02_AWK_ANG_LO_00\.wav"):
        Synthetic().clips(tmp_path)


def test_clips_of_another_run_are_not_mixed_in(corpus, tmp_path):
    shutil.copytree(corpus, tmp_path / "copy")
    before = contents(tmp_path / "copy")
    with pytest.raises(UserError, match="already holds 138 other clips"):
        synthesize(tmp_path / "copy", speakers=1, clips_per_emotion=1)
    assert contents(tmp_path / "copy") == before


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write a synthetic corpus to .*file"):
        synthesize(tmp_path / "file", speakers=1, clips_per_emotion=1)


@pytest.mark.parametrize("field", ["speakers", "clips_per_emotion", "seed"])
def test_numbers_out_of_range_are_named(tmp_path, field):
    with pytest.raises(UserError, match=f"{field} must be at least"):
        synthesize(tmp_path, **{field: -1})
    assert not list(tmp_path.iterdir())
