"""RAVDESS: what its file names tell, and the layouts that it comes in."""

from collections import Counter

import pytest

from data_pipeline.corpora import open_corpus
from data_pipeline.corpora.ravdess import Ravdess
from data_pipeline.emotion import Emotion
from data_pipeline.errors import UserError
from tests.data_pipeline.corpora.corpus_folder import lay_out


def names(actors=range(1, 25)) -> list[str]:
    """The 60 files of each actor: 2 intensities of every emotion but neutral, 2 statements, 2 repetitions."""
    return [
        f"03-01-{emotion:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor:02d}"
        for actor in actors
        for emotion in range(1, 9)
        for intensity in ((1,) if emotion == 1 else (1, 2))
        for statement in (1, 2)
        for repetition in (1, 2)
    ]


def test_a_file_name_says_what_was_acted(tmp_path):
    (clip,) = Ravdess().clips(lay_out(tmp_path, "03-01-06-01-02-01-12.wav"))

    assert (clip.name, clip.corpus) == ("03-01-06-01-02-01-12", "ravdess")
    assert (clip.speaker, clip.sex, clip.age) == ("12", "female", None)
    assert (clip.emotion, clip.intensity) == (Emotion.FEAR, "normal")
    assert (clip.sentence, clip.repetition) == ("02", "01")
    assert clip.file.location == str(tmp_path / "03-01-06-01-02-01-12.wav")


@pytest.mark.parametrize(
    ("code", "emotion"),
    [
        ("01", Emotion.NEUTRAL),
        ("02", Emotion.CALM),
        ("03", Emotion.HAPPINESS),
        ("04", Emotion.SADNESS),
        ("05", Emotion.ANGER),
        ("06", Emotion.FEAR),
        ("07", Emotion.DISGUST),
        ("08", Emotion.SURPRISE),
    ],
)
def test_emotions_are_numbered_as_published(tmp_path, code, emotion):
    (clip,) = Ravdess().clips(lay_out(tmp_path, f"03-01-{code}-01-01-02-01.wav"))

    assert clip.emotion is emotion
    assert emotion in Ravdess.emotions


def test_odd_actors_are_men_and_even_ones_women(tmp_path):
    clips = Ravdess().clips(lay_out(tmp_path, *(f"03-01-05-02-01-01-{actor:02d}.wav" for actor in range(1, 25))))

    assert {clip.speaker for clip in clips if clip.sex == "male"} == {f"{actor:02d}" for actor in range(1, 25, 2)}
    assert {clip.speaker for clip in clips if clip.sex == "female"} == {f"{actor:02d}" for actor in range(2, 25, 2)}
    assert {clip.intensity for clip in clips} == {"strong"}


def test_the_whole_corpus_lies_in_folders_or_in_one(tmp_path):
    folders = lay_out(tmp_path / "folders", *(f"Actor_{name[-2:]}/{name}.wav" for name in names()))
    flat = lay_out(tmp_path / "flat", *(f"{name}.wav" for name in names()))

    clips = Ravdess().clips(folders)

    assert len(clips) == 1_440
    assert [clip.name for clip in clips] == [clip.name for clip in Ravdess().clips(flat)] == sorted(names())
    assert Counter(Ravdess().speaker_splits(clips).values()) == {"train": 17, "validation": 2, "test": 5}


def test_the_doubled_tree_of_a_mirror_counts_once(tmp_path):
    tree = [f"Actor_{name[-2:]}/{name}.wav" for name in names([3, 4])]
    lay_out(tmp_path, *tree, *(f"audio_speech_actors_01-24/{name}" for name in tree))

    listing = Ravdess().read(str(tmp_path))

    assert [clip.name for clip in listing.clips] == sorted(names([3, 4]))
    assert all(clip.file.name.startswith("Actor_") for clip in listing.clips)
    assert listing.ignored == ()


@pytest.mark.parametrize(
    "other",
    [
        "03-02-06-01-02-01-12.wav",
        "01-01-06-01-02-01-12.wav",
        "03-01-09-01-02-01-12.wav",
        "03-01-06-03-02-01-12.wav",
        "03-01-06-01-03-01-12.wav",
        "03-01-06-01-02-01-25.wav",
        "03-01-06-01-02-01-00.wav",
        "03-01-06-01-02-01.wav",
    ],
)
def test_songs_videos_and_other_names_are_no_clips(tmp_path, other):
    listing = Ravdess().read(str(lay_out(tmp_path, "03-01-06-01-02-01-12.wav", other)))

    assert [clip.name for clip in listing.clips] == ["03-01-06-01-02-01-12"]
    assert listing.ignored == (other,)


def test_a_folder_of_songs_alone_says_what_was_expected(tmp_path):
    with pytest.raises(UserError, match=r"holds no ravdess clip.*03-01-06-01-02-01-12\.wav"):
        Ravdess().read(str(lay_out(tmp_path, "03-02-06-01-02-01-12.wav")))


def test_it_is_in_the_registry_with_licence_and_link():
    corpus = open_corpus("ravdess")

    assert isinstance(corpus, Ravdess)
    assert "CC BY-NC-SA 4.0" in corpus.licence
    assert corpus.url == "https://zenodo.org/records/1188976"


def test_real_clips_of_four_actors(speech_data):
    if not (speech_data / "ravdess").is_dir():
        pytest.skip(f"no RAVDESS in {speech_data}")
    listing = Ravdess().read(str(speech_data / "ravdess"))

    assert len(listing.clips) == 240
    assert not listing.ignored
    assert Counter(clip.speaker for clip in listing.clips) == {"01": 60, "02": 60, "03": 60, "04": 60}
    assert Counter(clip.emotion for clip in listing.clips) == {
        emotion: 16 if emotion is Emotion.NEUTRAL else 32 for emotion in Ravdess.emotions
    }
