"""CREMA-D: file names, layouts, tables and the published speaker split."""

from collections import Counter
from pathlib import Path

import pytest

from data_pipeline.clip import Clip
from data_pipeline.corpora import open_corpus
from data_pipeline.corpora.crema_d import CremaD
from data_pipeline.emotion import Emotion
from data_pipeline.errors import UserError
from data_pipeline.storage.stored_file import StoredFile
from tests.data_pipeline.corpora.corpus_folder import lay_out

# The validation and test actors of the `crema_d` builder of tensorflow_datasets 4.9, as its own code
# (`_get_inter_splits_by_group` over the 91 actors, split number 0) gives them.
VALIDATION = "1015 1020 1021 1030 1050 1070 1079 1089 1090"
TEST = "1010 1013 1022 1026 1037 1038 1040 1045 1047 1048 1059 1065 1066 1068 1071 1073 1084 1086 1088"


@pytest.mark.parametrize(
    ("file", "speaker", "sentence", "emotion", "intensity"),
    [
        ("1001_IEO_NEU_XX.wav", "1001", "IEO", Emotion.NEUTRAL, "unspecified"),
        ("1002_DFA_ANG_LO.mp3", "1002", "DFA", Emotion.ANGER, "low"),
        ("1003_TIE_DIS_MD.WAV", "1003", "TIE", Emotion.DISGUST, "medium"),
        ("1091_WSI_FEA_HI.Mp3", "1091", "WSI", Emotion.FEAR, "high"),
        ("1005_MTI_HAP_XX.flac", "1005", "MTI", Emotion.HAPPINESS, "unspecified"),
        ("1006_ITS_SAD_XX.ogg", "1006", "ITS", Emotion.SADNESS, "unspecified"),
    ],
)
def test_a_file_name_says_what_was_acted(tmp_path, file, speaker, sentence, emotion, intensity):
    (clip,) = CremaD().clips(lay_out(tmp_path, file))

    assert (clip.speaker, clip.sentence, clip.emotion, clip.intensity) == (
        speaker,
        sentence,
        emotion,
        intensity,
    )
    assert (clip.name, clip.corpus, clip.file.location) == (Path(file).stem, "crema_d", str(tmp_path / file))
    assert (clip.votes, clip.sex, clip.age, clip.race, clip.ethnicity) == (None, "", None, "", "")


def test_the_old_name_of_one_clip_is_put_right(tmp_path):
    (clip,) = CremaD().clips(lay_out(tmp_path, "1040_ITH_SAD_X.wav"))

    assert clip.name == "1040_ITH_SAD_XX"
    assert clip.intensity == "unspecified"
    assert clip.file.name == "1040_ITH_SAD_X.wav"


@pytest.mark.parametrize("below", [".", "AudioWAV", "AudioMP3", "cremad/AudioWAV", "by/actor/and/day"])
def test_audio_lies_at_any_depth_below_the_folder(tmp_path, below):
    lay_out(tmp_path / below, "1002_IEO_NEU_XX.wav", "1001_IEO_NEU_XX.wav")

    assert [clip.name for clip in CremaD().clips(tmp_path)] == ["1001_IEO_NEU_XX", "1002_IEO_NEU_XX"]


def test_of_a_clip_in_two_formats_the_lossless_one_is_taken(tmp_path):
    lay_out(tmp_path / "AudioMP3", "1001_IEO_NEU_XX.mp3", "1002_IEO_NEU_XX.mp3")
    lay_out(tmp_path / "AudioWAV", "1001_IEO_NEU_XX.wav")

    paths = [clip.file.name for clip in CremaD().clips(tmp_path)]

    assert paths == ["AudioWAV/1001_IEO_NEU_XX.wav", "AudioMP3/1002_IEO_NEU_XX.mp3"]


def test_other_names_are_no_clips(tmp_path):
    lay_out(
        tmp_path,
        "1001_IEO_NEU_XX.wav",
        "1001_IEO_NEU_XX.txt",
        "._1001_IEO_HAP_XX.wav",
        "1001_IEO_NEU_XX (copy).wav",
        "1092_IEO_NEU_XX.wav",
        "1000_IEO_NEU_XX.wav",
        "1001_IEO_JOY_XX.wav",
        "1001_IEO_NEU.wav",
    )
    (tmp_path / "1001_IEO_SAD_XX.wav").mkdir()

    listing = CremaD().read(str(tmp_path))

    assert [clip.name for clip in listing.clips] == ["1001_IEO_NEU_XX"]
    assert listing.ignored == (
        "1000_IEO_NEU_XX.wav",
        "1001_IEO_JOY_XX.wav",
        "1001_IEO_NEU.wav",
        "1001_IEO_NEU_XX (copy).wav",
        "1092_IEO_NEU_XX.wav",
    )


VOTES = """"","A","D","F","H","N","S","fileName","numResponses"
"100001",1,2,3,4,5,6,"1001_IEO_NEU_XX",21
"200001",9,9,9,9,9,9,"1001_IEO_NEU_XX",54
"300001",8,8,8,8,8,8,"1001_IEO_NEU_XX",48
"""
DEMOGRAPHICS = """"ActorID","Age","Sex","Race","Ethnicity"
1001,51,"Male","Caucasian","Not Hispanic"
1002,21,"Female","African American","Hispanic"
"""


def write_tables(folder: Path, votes: str = VOTES, demographics: str = DEMOGRAPHICS) -> None:
    (folder / "processedResults").mkdir(parents=True)
    (folder / "processedResults" / "tabulatedVotes.csv").write_text(votes)
    (folder / "VideoDemographics.csv").write_text(demographics)


@pytest.mark.parametrize("source", [".", "AudioWAV"])
def test_tables_are_read_from_the_corpus_folder(tmp_path, source):
    lay_out(tmp_path / "AudioWAV", "1001_IEO_NEU_XX.wav", "1002_IEO_NEU_XX.wav", "1003_IEO_NEU_XX.wav")
    write_tables(tmp_path)

    first, second, third = CremaD().clips(tmp_path / source)

    assert first.votes == {
        Emotion.ANGER: 1,
        Emotion.DISGUST: 2,
        Emotion.FEAR: 3,
        Emotion.HAPPINESS: 4,
        Emotion.NEUTRAL: 5,
        Emotion.SADNESS: 6,
    }
    assert (first.sex, first.age, first.race, first.ethnicity) == ("male", 51, "Caucasian", "Not Hispanic")
    assert second.votes is None
    assert (second.sex, second.age, second.race, second.ethnicity) == (
        "female",
        21,
        "African American",
        "Hispanic",
    )
    assert (third.sex, third.age, third.race, third.ethnicity) == ("", None, "", "")


def test_the_parent_of_a_folder_with_another_name_is_not_searched_for_tables(tmp_path):
    lay_out(tmp_path / "some", "1001_IEO_NEU_XX.wav")
    write_tables(tmp_path)

    (clip,) = CremaD().clips(tmp_path / "some")

    assert clip.votes is None
    assert clip.age is None


@pytest.mark.parametrize(
    ("votes", "demographics", "file"),
    [
        ("something else\n1,2\n", DEMOGRAPHICS, "tabulatedVotes.csv"),
        (VOTES.replace('100001",1', '100001",one'), DEMOGRAPHICS, "tabulatedVotes.csv"),
        (VOTES, "something else\n1,2\n", "VideoDemographics.csv"),
        (VOTES, DEMOGRAPHICS.replace("51", "old"), "VideoDemographics.csv"),
        (VOTES, DEMOGRAPHICS.replace(',51,"Male","Caucasian","Not Hispanic"', ""), "VideoDemographics.csv"),
    ],
)
def test_a_broken_table_is_named(tmp_path, votes, demographics, file):
    lay_out(tmp_path, "1001_IEO_NEU_XX.wav")
    write_tables(tmp_path, votes, demographics)

    with pytest.raises(UserError, match=file):
        CremaD().clips(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere does not exist.*1001_IEO_NEU_XX\.wav"):
        CremaD().clips(tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    file = tmp_path / "1001_IEO_NEU_XX.wav"
    file.touch()

    with pytest.raises(UserError, match=r"1001_IEO_NEU_XX\.wav is not a folder"):
        CremaD().clips(file)


def test_a_folder_without_clips_says_what_was_expected(tmp_path):
    lay_out(tmp_path, "holiday.wav")

    with pytest.raises(UserError, match=r"holds no crema_d clip.*1001_IEO_NEU_XX\.wav"):
        CremaD().clips(tmp_path)


def clips_of(*actors: str) -> list[Clip]:
    """A clip of each actor."""
    file = StoredFile("x.wav", "x.wav", size=1, changed=0)
    return [Clip(file, f"{actor}_IEO_NEU_XX", "crema_d", actor, Emotion.NEUTRAL) for actor in actors]


def test_actors_are_in_the_splits_of_the_published_split():
    actors = [str(actor) for actor in range(1001, 1092)]

    splits = CremaD().speaker_splits(clips_of(*actors))

    assert [actor for actor in actors if splits[actor] == "validation"] == VALIDATION.split()
    assert [actor for actor in actors if splits[actor] == "test"] == TEST.split()
    assert Counter(splits.values()) == {"train": 63, "validation": 9, "test": 19}


def test_an_actor_keeps_its_split_whoever_else_is_there():
    everyone = CremaD().speaker_splits(clips_of(*(str(actor) for actor in range(1001, 1092))))

    for actor, split in everyone.items():
        assert CremaD().speaker_splits(clips_of(actor)) == {actor: split}


def test_real_corpus_as_its_readme_describes_it(speech_data):
    clips = CremaD().clips(speech_data / "crema_d")

    assert len(clips) == 5_884
    assert Counter(CremaD().speaker_splits(clips).values()) == {"train": 63, "validation": 9}
    assert all(clip.votes and sum(clip.votes.values()) > 0 for clip in clips)
    assert all(clip.sex and clip.age and clip.race and clip.ethnicity for clip in clips)


def test_real_votes_are_those_on_the_voice_alone(speech_data):
    clips = {clip.name: clip for clip in CremaD().clips(speech_data / "crema_d" / "AudioMP3")}

    # summaryTable.csv gives "1001_IEO_HAP_LO": VoiceVote N, FaceVote H.
    votes = clips["1001_IEO_HAP_LO"].votes

    assert max(votes, key=votes.get) == Emotion.NEUTRAL
    assert votes == {
        Emotion.ANGER: 0,
        Emotion.DISGUST: 0,
        Emotion.FEAR: 0,
        Emotion.HAPPINESS: 3,
        Emotion.NEUTRAL: 6,
        Emotion.SADNESS: 0,
    }


def test_it_is_in_the_registry_with_licence_and_link():
    corpus = open_corpus("crema_d")

    assert isinstance(corpus, CremaD)
    assert not corpus.synthetic
    assert "Open Database License" in corpus.licence
    assert corpus.url.startswith("https://")


def test_an_unknown_corpus_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match=r"'iemocap'.*crema_d"):
        open_corpus("iemocap")
