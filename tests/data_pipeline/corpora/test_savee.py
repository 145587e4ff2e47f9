"""SAVEE: what its file names tell, and the layouts that it comes in."""

from collections import Counter

import pytest

from data_pipeline.corpora import open_corpus
from data_pipeline.corpora.savee import Savee
from data_pipeline.emotion import Emotion
from tests.data_pipeline.corpora.corpus_folder import lay_out

SPEAKERS = ("DC", "JE", "JK", "KL")
EMOTIONS = {
    "a": Emotion.ANGER,
    "d": Emotion.DISGUST,
    "f": Emotion.FEAR,
    "h": Emotion.HAPPINESS,
    "n": Emotion.NEUTRAL,
    "sa": Emotion.SADNESS,
    "su": Emotion.SURPRISE,
}
SENTENCES = [f"{letters}{number:02d}" for letters in EMOTIONS for number in range(1, 31 if letters == "n" else 16)]


@pytest.mark.parametrize("file", ["AudioData/KL/{}.wav", "KL_{}.wav", "ALL/KL_{}.wav"])
@pytest.mark.parametrize(("letters", "emotion"), EMOTIONS.items())
def test_a_file_name_says_what_was_acted(tmp_path, file, letters, emotion):
    (clip,) = Savee().clips(lay_out(tmp_path, file.format(f"{letters}09")))

    assert (clip.name, clip.corpus) == (f"KL_{letters}09", "savee")
    assert (clip.speaker, clip.sex) == ("KL", "male")
    assert (clip.emotion, clip.sentence) == (emotion, f"{letters}09")
    assert emotion in Savee.emotions


def test_the_whole_corpus_as_published_flat_and_both(tmp_path):
    published = [f"AudioData/{speaker}/{sentence}.wav" for speaker in SPEAKERS for sentence in SENTENCES]
    flat = [f"ALL/{speaker}_{sentence}.wav" for speaker in SPEAKERS for sentence in SENTENCES]
    lay_out(tmp_path / "published", *published)
    lay_out(tmp_path / "flat", *flat)
    lay_out(tmp_path / "both", *published, *flat)

    clips = Savee().clips(tmp_path / "published")

    assert len(clips) == 480
    assert Counter(clip.emotion for clip in clips) == {
        emotion: 120 if emotion is Emotion.NEUTRAL else 60 for emotion in Savee.emotions
    }
    for layout in ("flat", "both"):
        assert [clip.name for clip in Savee().clips(tmp_path / layout)] == [clip.name for clip in clips]
    assert Counter(Savee().speaker_splits(clips).values()) == {"train": 2, "validation": 1, "test": 1}


def test_the_folder_of_one_speaker_tells_who_speaks(tmp_path):
    lay_out(tmp_path / "DC", "sa03.wav")

    (clip,) = Savee().clips(tmp_path / "DC")

    assert (clip.name, clip.speaker) == ("DC_sa03", "DC")


@pytest.mark.parametrize("other", ["a02.wav", "AB_a02.wav", "DC_x02.wav", "DC_a2.wav", "DC_a02x.wav"])
def test_other_names_are_no_clips(tmp_path, other):
    listing = Savee().read(str(lay_out(tmp_path, "DC_a01.wav", other)))

    assert [clip.name for clip in listing.clips] == ["DC_a01"]
    assert listing.ignored == (other,)


def test_it_is_in_the_registry_with_licence_and_link():
    corpus = open_corpus("savee")

    assert isinstance(corpus, Savee)
    assert "registration" in corpus.licence
    assert corpus.url == "http://kahlan.eps.surrey.ac.uk/savee/"
