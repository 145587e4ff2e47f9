"""The roles of the speakers and the wrong labels in the benchmark of retraining."""

from collections import Counter

import pytest

from benchmarks.retraining import divide, scenarios_of, shuffled
from data_pipeline.clip import Clip
from data_pipeline.emotion import Emotion
from data_pipeline.storage.stored_file import StoredFile

EMOTIONS = tuple(Emotion)[:6]


def clips() -> list[Clip]:
    return [
        Clip(
            file=StoredFile(f"{speaker}-{emotion}.wav", "", 0, 0),
            name=f"{speaker}-{emotion}",
            corpus="crema_d",
            speaker=str(speaker),
            emotion=emotion,
            sex="female" if speaker % 2 else "male",
        )
        for speaker in range(40)
        for emotion in EMOTIONS
    ]


def sides(some) -> dict:
    return {clip.speaker: "test" if clip.speaker in ("38", "39") else "train" for clip in some}


@pytest.fixture(scope="module")
def actors():
    return divide(clips(), sides)


def speakers(some) -> set[str]:
    return {clip.speaker for clip in some}


def test_every_speaker_but_those_of_the_test_side_does_one_thing(actors):
    groups = [speakers(some) for some in (actors.first, actors.second, actors.validation, actors.measuring)]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 38
    assert not {"38", "39"} & set().union(*groups)
    assert abs(len(groups[0]) - len(groups[1])) <= 2
    for group in groups:
        women = sum(int(speaker) % 2 for speaker in group)
        assert abs(2 * women - len(group)) <= 2


def test_shuffled_labels_are_each_others():
    given = clips()
    mixed = shuffled(given)
    assert [clip.name for clip in mixed] == [clip.name for clip in given]
    assert Counter(clip.emotion for clip in mixed) == Counter(clip.emotion for clip in given)
    kept = sum(a.emotion == b.emotion for a, b in zip(given, mixed, strict=True))
    assert kept < len(given) / 3


def test_where_womens_labels_are_wrong_those_of_the_men_are_right(actors):
    *_, women = scenarios_of(actors)
    right = {clip.name: clip.emotion for clip in clips()}
    wrong = [clip for clip in women.clips if clip.emotion != right[clip.name]]
    assert wrong
    assert {clip.sex for clip in wrong} == {"female"}
    assert speakers(women.clips) == speakers(actors.first) | speakers(actors.second)
