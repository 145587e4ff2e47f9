"""EmoDB: what its file names tell, and the published counts."""

from collections import Counter

import pytest

from data_pipeline.corpora import open_corpus
from data_pipeline.corpora.emodb import EmoDB
from data_pipeline.emotion import Emotion
from tests.data_pipeline.corpora.corpus_folder import lay_out


@pytest.mark.parametrize("file", ["wav/03a01Fa.wav", "03a01Fa.flac"])
def test_a_file_name_says_what_was_acted(tmp_path, file):
    (clip,) = EmoDB().clips(lay_out(tmp_path, file))

    assert (clip.name, clip.corpus) == ("03a01Fa", "emodb")
    assert (clip.speaker, clip.sex, clip.age) == ("03", "male", 31)
    assert (clip.emotion, clip.sentence, clip.repetition) == (Emotion.HAPPINESS, "a01", "a")


@pytest.mark.parametrize(
    ("letter", "emotion"),
    [
        ("W", Emotion.ANGER),
        ("L", Emotion.BOREDOM),
        ("E", Emotion.DISGUST),
        ("A", Emotion.FEAR),
        ("F", Emotion.HAPPINESS),
        ("T", Emotion.SADNESS),
        ("N", Emotion.NEUTRAL),
    ],
)
def test_letters_are_initials_of_german_words(tmp_path, letter, emotion):
    (clip,) = EmoDB().clips(lay_out(tmp_path, f"16b10{letter}d.wav"))

    assert clip.emotion is emotion
    assert emotion in EmoDB.emotions


@pytest.mark.parametrize("other", ["01a01Fa.wav", "03c01Fa.wav", "03a01Xa.wav", "03a01F.wav", "03a01Fa2.wav"])
def test_other_names_are_no_clips(tmp_path, other):
    listing = EmoDB().read(str(lay_out(tmp_path, "03a01Fa.wav", other)))

    assert [clip.name for clip in listing.clips] == ["03a01Fa"]
    assert listing.ignored == (other,)


def test_it_is_in_the_registry_with_licence_and_link():
    corpus = open_corpus("emodb")

    assert isinstance(corpus, EmoDB)
    assert corpus.language == "German"
    assert "research" in corpus.licence
    assert corpus.url.startswith("http")


def test_the_real_corpus_has_the_published_counts(speech_data):
    if not (speech_data / "emodb").is_dir():
        pytest.skip(f"no EmoDB in {speech_data}")
    listing = EmoDB().read(str(speech_data / "emodb"))
    clips = listing.clips
    women = {clip.speaker for clip in clips if clip.sex == "female"}

    assert len(clips) == 535
    assert not listing.ignored
    assert Counter(clip.emotion for clip in clips) == {
        Emotion.ANGER: 127,
        Emotion.BOREDOM: 81,
        Emotion.DISGUST: 46,
        Emotion.FEAR: 69,
        Emotion.HAPPINESS: 71,
        Emotion.NEUTRAL: 79,
        Emotion.SADNESS: 62,
    }
    assert women == {"08", "09", "13", "14", "16"}
    assert {clip.speaker for clip in clips} - women == {"03", "10", "11", "12", "15"}
    assert Counter(EmoDB().speaker_splits(clips).values()) == {"train": 7, "validation": 1, "test": 2}
