"""Splits: speakers stay in one split, membership is stable, wrong requests are refused."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.clip import Clip
from data_pipeline.corpora.crema_d import CremaD
from data_pipeline.emotion import Emotion
from data_pipeline.errors import UserError
from data_pipeline.prepare.split_kind import parse_split_kind
from data_pipeline.splits import SPLITS, folds_of_speakers, shuffled_splits
from data_pipeline.storage.stored_file import StoredFile


def make_clips(clips_of: dict[str, int], sex_of: Mapping[str, str] = MappingProxyType({})) -> list[Clip]:
    return [
        Clip(
            StoredFile(f"{speaker}_{number}.wav", f"{speaker}_{number}.wav", 1, 0),
            f"{speaker}_{number}",
            "corpus",
            speaker,
            Emotion.ANGER,
            sex=sex_of.get(speaker, ""),
        )
        for speaker, count in clips_of.items()
        for number in range(count)
    ]


speaker_ids = st.text("ABC0123456789", min_size=1, max_size=4)
corpora = st.dictionaries(speaker_ids, st.integers(1, 6), min_size=1, max_size=40)
sexes = st.dictionaries(speaker_ids, st.sampled_from(["female", "male"]))


def own_splits(clips):
    return shuffled_splits({clip.speaker: clip.sex for clip in clips})


@given(corpora, sexes, st.integers(2, 5), st.data())
def test_no_speaker_is_in_two_splits(clips_of, sex_of, folds, data):
    clips = make_clips(clips_of, sex_of)
    fold = f"fold:{data.draw(st.integers(1, folds))}/{folds}"
    fit_for_folds = sum(split != "test" for split in own_splits(clips).values()) >= folds

    for text in ["speaker", *([fold] if fit_for_folds else [])]:
        splits = parse_split_kind(text).assign(clips, own_splits)
        assert splits.keys() == {clip.name for clip in clips}
        assert len({(clip.speaker, splits[clip.name]) for clip in clips}) == len(clips_of)


@given(corpora, sexes, st.sampled_from(["speaker", "random"]), st.randoms())
def test_a_split_does_not_depend_on_the_order_of_clips(clips_of, sex_of, text, random):
    clips = make_clips(clips_of, sex_of)

    splits = parse_split_kind(text).assign(clips, own_splits)

    assert parse_split_kind(text).assign(random.sample(clips, len(clips)), own_splits) == splits


@given(st.dictionaries(speaker_ids, st.sampled_from(["female", "male", ""]), min_size=1))
def test_every_split_has_a_speaker_where_there_are_three(sex_of):
    counts = Counter(shuffled_splits(sex_of).values())

    assert counts.total() == len(sex_of)
    assert counts["train"] >= 1
    assert (counts["validation"] >= 1) == (len(sex_of) >= 2)
    assert (counts["test"] >= 1) == (len(sex_of) >= 3)


@given(st.integers(5, 60), st.integers(5, 60))
def test_every_split_has_its_share_of_women_and_men(women, men):
    sex_of = {f"F{number}": "female" for number in range(women)} | {f"M{number}": "male" for number in range(men)}

    splits = shuffled_splits(sex_of)

    for split in SPLITS:
        of_split = [sex_of[speaker] for speaker in splits if splits[speaker] == split]
        assert abs(of_split.count("female") - len(of_split) * women / (women + men)) <= 1


@given(st.integers(5, 40), st.integers(5, 40), st.integers(2, 5))
def test_every_fold_has_its_share_of_women_and_men(women, men, folds):
    sex_of = {f"F{number}": "female" for number in range(women)} | {f"M{number}": "male" for number in range(men)}
    clips = make_clips(dict.fromkeys(sex_of, 1), sex_of)
    left = [sex_of[speaker] for speaker, split in own_splits(clips).items() if split != "test"]

    for number in range(1, folds + 1):
        splits = parse_split_kind(f"fold:{number}/{folds}").assign(clips, own_splits)
        validating = [clip.sex for clip in clips if splits[clip.name] == "validation"]
        assert abs(validating.count("female") - left.count("female") / folds) < 1


@pytest.mark.parametrize("count", [10, 20, 50, 200])
def test_speakers_are_cut_70_10_20(count):
    splits = shuffled_splits({f"S{number}": "" for number in range(count)})

    assert Counter(splits.values()) == {"train": 0.7 * count, "validation": 0.1 * count, "test": 0.2 * count}
    assert list(splits.values()) != sorted(splits.values(), key=SPLITS.index) or sorted(splits) != list(splits)


def test_the_random_split_cuts_clips_and_lets_speakers_be_in_all_splits():
    clips = make_clips({"A": 50, "B": 50})

    splits = parse_split_kind("random").assign(clips, own_splits)

    assert Counter(splits.values()) == {"train": 70, "validation": 10, "test": 20}
    assert {splits[clip.name] for clip in clips if clip.speaker == "A"} == set(SPLITS)


def test_each_speaker_outside_the_test_split_validates_in_exactly_one_fold():
    clips = make_clips({str(actor): 1 for actor in range(1001, 1092)})
    own = CremaD().speaker_splits(clips)

    folds = [parse_split_kind(f"fold:{number}/6").assign(clips, CremaD().speaker_splits) for number in range(1, 7)]

    for clip in clips:
        splits = Counter(fold[clip.name] for fold in folds)
        assert splits == ({"test": 6} if own[clip.speaker] == "test" else {"train": 5, "validation": 1})
    assert [Counter(fold.values())["validation"] for fold in folds] == [12] * 6


def test_folds_of_unequal_size_differ_by_one_speaker():
    clips = make_clips({f"S{number:02d}": 2 for number in range(14)})

    sizes = [
        Counter(parse_split_kind(f"fold:{number}/4").assign(clips, own_splits).values())["validation"] // 2
        for number in range(1, 5)
    ]

    assert sum(sizes) == 11
    assert max(sizes) - min(sizes) == 1


def test_more_folds_than_speakers_are_refused():
    with pytest.raises(UserError, match=r"fold:1/5 needs 5 speakers.*there are 2"):
        parse_split_kind("fold:1/5").assign(make_clips({"A": 3, "B": 3, "C": 3}), own_splits)


@pytest.mark.parametrize("text", ["speaker", "random", "fold:1/2", "fold:10/10"])
def test_a_split_is_named_as_it_was_asked_for(text):
    assert parse_split_kind(text).title == text


@pytest.mark.parametrize("text", ["", "Speaker", "fold", "fold:1", "fold:a/b", "fold:1/2/3", "fold:-1/3", "fold: 1/3"])
def test_what_is_no_split_is_refused_with_what_is(text):
    with pytest.raises(UserError, match=r"speaker, random or fold:K/N"):
        parse_split_kind(text)


@pytest.mark.parametrize("text", ["fold:0/5", "fold:6/5", "fold:1/1", "fold:1/0"])
def test_a_fold_that_there_is_not_is_refused(text):
    with pytest.raises(UserError, match="K goes from 1 to N"):
        parse_split_kind(text)


@given(sexes, st.integers(2, 5), st.randoms())
def test_every_fold_has_its_share_of_each_kind_of_speaker(sex_of, count, random):
    fold_of = folds_of_speakers(sex_of, count)
    assert fold_of.keys() == sex_of.keys()
    for kind in (None, "female", "male"):
        speakers = [speaker for speaker in sex_of if kind in (None, sex_of[speaker])]
        sizes = [sum(fold_of[speaker] == fold for speaker in speakers) for fold in range(1, count + 1)]
        assert sum(sizes) == len(speakers)
        assert max(sizes) - min(sizes) <= 1
    shuffled = list(sex_of.items())
    random.shuffle(shuffled)
    assert folds_of_speakers(dict(shuffled), count) == fold_of
