"""TESS: what its file names tell, the layouts that it comes in, and AIFF data called WAV."""

from collections import Counter

import numpy as np
import pytest
import soundfile

from data_pipeline.audio.decode import SAMPLE_RATE, decode
from data_pipeline.corpora import open_corpus
from data_pipeline.corpora.tess import Tess
from data_pipeline.emotion import Emotion
from tests.data_pipeline.corpora.corpus_folder import lay_out

FOLDERS = ("angry", "disgust", "Fear", "happy", "neutral", "Pleasant_surprise", "Sad")
CODES = ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")


def words(count: int) -> list[str]:
    return [f"w{chr(97 + index // 26)}{chr(97 + index % 26)}" for index in range(count)]


@pytest.mark.parametrize(
    ("code", "emotion"),
    [
        ("angry", Emotion.ANGER),
        ("disgust", Emotion.DISGUST),
        ("fear", Emotion.FEAR),
        ("happy", Emotion.HAPPINESS),
        ("neutral", Emotion.NEUTRAL),
        ("ps", Emotion.SURPRISE),
        ("sad", Emotion.SADNESS),
    ],
)
def test_a_file_name_says_what_was_acted(tmp_path, code, emotion):
    (clip,) = Tess().clips(lay_out(tmp_path, f"OAF_{code}/OAF_back_{code}.wav"))

    assert (clip.name, clip.corpus) == (f"OAF_back_{code}", "tess")
    assert (clip.emotion, clip.sentence) == (emotion, "back")
    assert emotion in Tess.emotions
    assert (clip.speaker, clip.sex, clip.age) == ("OAF", "female", 64)


def test_the_younger_actress_has_her_age(tmp_path):
    (clip,) = Tess().clips(lay_out(tmp_path, "YAF_back_ps.wav"))

    assert (clip.speaker, clip.age) == ("YAF", 26)


def test_the_misnamed_file_of_the_publisher_is_put_right(tmp_path):
    (clip,) = Tess().clips(lay_out(tmp_path, "OAF_neutral/OA_bite_neutral.wav"))

    assert (clip.name, clip.speaker, clip.sentence) == ("OAF_bite_neutral", "OAF", "bite")


def test_of_a_file_under_both_names_one_clip_is_made(tmp_path):
    clips = Tess().clips(lay_out(tmp_path, "OA_bite_neutral.wav", "OAF_bite_neutral.wav"))

    assert [clip.name for clip in clips] == ["OAF_bite_neutral"]


def test_the_file_name_decides_in_upper_and_lower_case(tmp_path):
    lay_out(tmp_path, "OAF_Pleasant_surprise/OAF_Back_PS.WAV", "OAF_Sad/oaf_bar_Angry.wav")

    clips = Tess().clips(tmp_path)

    assert [(clip.name, clip.emotion) for clip in clips] == [
        ("OAF_back_ps", Emotion.SURPRISE),
        ("OAF_bar_angry", Emotion.ANGER),
    ]


def test_the_whole_corpus_in_folders_flat_and_doubled(tmp_path):
    tree = [
        f"{actress}_{folder}/{actress}_{word}_{code}.wav"
        for actress in ("OAF", "YAF")
        for folder, code in zip(FOLDERS, CODES, strict=True)
        for word in words(200)
    ]
    mirror = "TESS Toronto emotional speech set data"
    lay_out(
        tmp_path / "doubled", *(f"{mirror}/{name}" for name in tree), *(f"{mirror}/{mirror}/{name}" for name in tree)
    )
    lay_out(tmp_path / "flat", *(name.split("/")[1] for name in tree))

    listing = Tess().read(str(tmp_path / "doubled"))

    assert len(listing.clips) == 2_800
    assert listing.ignored == ()
    assert {clip.name for clip in listing.clips} == {clip.name for clip in Tess().clips(tmp_path / "flat")}
    assert set(Counter(clip.emotion for clip in listing.clips).values()) == {400}
    assert sorted(Tess().speaker_splits(listing.clips).values()) == ["train", "validation"]


@pytest.mark.parametrize("other", ["MAF_back_sad.wav", "OAF_back_calm.wav", "OAF_sad.wav", "OAF_back_sad_2.wav"])
def test_other_names_are_no_clips(tmp_path, other):
    listing = Tess().read(str(lay_out(tmp_path, "OAF_back_sad.wav", other)))

    assert [clip.name for clip in listing.clips] == ["OAF_back_sad"]
    assert listing.ignored == (other,)


def test_aiff_data_called_wav_is_decoded(tmp_path):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(24_414) / 24_414)
    soundfile.write(tmp_path / "OAF_back_angry.wav", tone, 24_414, format="AIFF")

    (clip,) = Tess().clips(tmp_path)
    pcm = decode(clip.file.location)

    assert (tmp_path / "OAF_back_angry.wav").read_bytes()[:4] == b"FORM"
    assert pcm.dtype == np.int16
    assert abs(len(pcm) - SAMPLE_RATE) <= 1
    assert np.argmax(np.abs(np.fft.rfft(pcm))) == pytest.approx(440, abs=1)


def test_it_is_in_the_registry_with_licence_and_link():
    corpus = open_corpus("tess")

    assert isinstance(corpus, Tess)
    assert "CC BY-NC-ND 4.0" in corpus.licence
    assert corpus.url.endswith("10.5683/SP2/E8H2MF")
