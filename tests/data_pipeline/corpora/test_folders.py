"""One folder per emotion: where the emotion and the speaker are read from."""

import pytest

from data_pipeline.corpora.folders import Folders
from data_pipeline.emotion import Emotion
from data_pipeline.errors import UserError
from data_pipeline.prepare.split_kind import BySpeaker
from tests.data_pipeline.corpora.corpus_folder import lay_out


@pytest.mark.parametrize(
    ("file", "emotion", "speaker"),
    [
        ("angry/anna/x.wav", Emotion.ANGER, "anna"),
        ("anna/Angry/x.wav", Emotion.ANGER, "anna"),
        ("calls/SADNESS/anna/x.wav", Emotion.SADNESS, "calls/anna"),
        ("Pleasant Surprise/anna/x.mp3", Emotion.SURPRISE, "anna"),
        ("anger/angry/anna/x.wav", Emotion.ANGER, "anna"),
    ],
)
def test_one_folder_names_the_emotion_and_the_others_the_speaker(tmp_path, file, emotion, speaker):
    (clip,) = Folders().clips(lay_out(tmp_path, file))

    assert (clip.corpus, clip.emotion, clip.speaker, clip.speaker_known) == ("folders", emotion, speaker, True)
    assert clip.name == file.rpartition(".")[0]
    assert clip.file.location == str(tmp_path / file)


def test_without_other_folders_every_clip_has_a_speaker_of_its_own(tmp_path):
    clips = Folders().clips(lay_out(tmp_path, "angry/1.wav", "angry/2.wav", "sad/1.wav"))

    assert len({clip.speaker for clip in clips}) == 3
    assert not any(clip.speaker_known for clip in clips)


def test_audio_outside_emotion_folders_is_ignored(tmp_path):
    listing = Folders().read(str(lay_out(tmp_path, "angry/1.wav", "x.wav", "misc/2.mp3", "misc/notes.txt")))

    assert [clip.name for clip in listing.clips] == ["angry/1"]
    assert listing.ignored == ("misc/2.mp3", "x.wav")


def test_audio_in_folders_of_two_emotions_is_set_aside(tmp_path):
    listing = Folders().read(str(lay_out(tmp_path, "angry/1.wav", "angry/sad/2.wav")))

    assert [clip.name for clip in listing.clips] == ["angry/1"]
    assert [str(clip) for clip in listing.set_aside] == [
        "angry/sad/2.wav lies in folders of several emotions (anger and sadness): keep one"
    ]


def test_of_a_recording_in_two_formats_the_lossless_one_is_taken(tmp_path):
    (clip,) = Folders().clips(lay_out(tmp_path, "angry/1.mp3", "angry/1.wav"))

    assert clip.file.name == "angry/1.wav"


def test_speakers_keep_to_one_split(tmp_path):
    lay_out(tmp_path, *(f"{emotion}/s{number}/x.wav" for emotion in ("angry", "sad") for number in range(10)))

    splits = Folders().speaker_splits(Folders().clips(tmp_path))

    assert sorted(splits) == [f"s{number}" for number in range(10)]
    assert set(splits.values()) == {"train", "validation", "test"}


def test_a_folder_without_emotions_says_what_was_expected(tmp_path):
    with pytest.raises(UserError, match=r"holds no audio in a folder named after an emotion.*angry/x\.wav"):
        Folders().read(str(lay_out(tmp_path, "misc/x.wav")))


@pytest.mark.parametrize(("place", "complaint"), [("nowhere", "does not exist"), ("x.wav", "is not a folder")])
def test_a_missing_folder_is_named(tmp_path, place, complaint):
    lay_out(tmp_path, "x.wav")

    with pytest.raises(UserError, match=f"{place} {complaint}"):
        Folders().read(str(tmp_path / place))


@pytest.mark.parametrize(
    ("file", "split", "speaker"),
    [
        ("train/angry/1.wav", "train", None),
        ("angry/TEST/1.wav", "test", None),
        ("calls/Val/angry/anna/1.wav", "validation", "calls/anna"),
        ("angry/anna/1.wav", None, "anna"),
    ],
)
def test_a_folder_named_after_a_split_is_the_split_and_no_speaker(tmp_path, file, split, speaker):
    (clip,) = Folders().clips(lay_out(tmp_path, file))

    assert (clip.split, clip.speaker_known) == (split, speaker is not None)
    assert clip.speaker == (speaker or f"unknown/{file.removesuffix('.wav')}")


def test_clips_keep_to_the_splits_of_their_folders(tmp_path):
    stated = {f"{split}/angry/{number}": split for split in ("train", "validation", "test") for number in range(5)}
    clips = Folders().clips(lay_out(tmp_path, *(f"{name}.wav" for name in stated)))

    assert BySpeaker().assign(clips, Folders().speaker_splits) == stated


def test_audio_in_folders_of_two_splits_is_set_aside(tmp_path):
    listing = Folders().read(str(lay_out(tmp_path, "train/angry/1.wav", "train/angry/test/2.wav")))

    assert [clip.name for clip in listing.clips] == ["train/angry/1"]
    assert [str(clip) for clip in listing.set_aside] == [
        "train/angry/test/2.wav lies in folders of several splits (train and test): keep one"
    ]


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (
            ["train/angry/anna/1.wav", "test/angry/anna/2.wav"],
            r"'anna' is in two splits, .*test \(.*2\.wav\) and train \(.*1\.wav\)",
        ),
        (["train/angry/1.wav", "angry/2.wav"], r"1\.wav is put in the split train and .*2\.wav .* in none"),
    ],
)
def test_a_speaker_is_in_one_split(tmp_path, files, complaint):
    clips = Folders().clips(lay_out(tmp_path, *files))

    with pytest.raises(UserError, match=complaint):
        Folders().speaker_splits(clips)


def test_speakers_that_are_missing_are_not_one_person(tmp_path):
    clips = Folders().clips(lay_out(tmp_path, "angry/nan/1.wav", "angry/day1/None/2.wav", "sad/nan/3.wav"))

    assert not any(clip.speaker_known for clip in clips)
    assert len({clip.speaker for clip in clips}) == 3


def test_a_name_in_another_normal_form_is_the_same_speaker(tmp_path):
    clips = Folders().clips(lay_out(tmp_path, "angry/jos\u00e9/1.wav", "sad/jose\u0301/2.wav"))

    assert len({clip.speaker for clip in clips}) == 1
