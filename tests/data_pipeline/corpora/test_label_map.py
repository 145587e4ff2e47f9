"""The table of labels: every corpus's codes, and the words that people write."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.corpora import CORPORA, open_corpus
from data_pipeline.corpora.label_map import LABEL_MAP, emotion_named, emotions_of
from data_pipeline.emotion import EMOTIONS, Emotion

RECORDED = ("crema_d", "ravdess", "tess", "savee", "emodb")


def test_every_emotion_has_its_row_in_order():
    assert tuple(LABEL_MAP) == EMOTIONS


@pytest.mark.parametrize("corpus", RECORDED)
def test_a_code_means_one_emotion_and_the_corpus_says_which_it_has(corpus):
    codes = [code for names in LABEL_MAP.values() if (code := getattr(names, corpus))]

    assert len(set(codes)) == len(codes)
    assert tuple(emotions_of(corpus).values()) == open_corpus(corpus).emotions


def test_a_word_means_one_emotion():
    words = [word for names in LABEL_MAP.values() for word in names.words]

    assert len(set(words)) == len(words)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_an_emotion_is_called_by_its_own_name(emotion):
    assert emotion_named(emotion.value) is emotion


def test_the_words_of_well_known_corpora_are_known():
    tess = {code: emotion_named(code) for code in emotions_of("tess")}

    assert tess == emotions_of("tess")
    assert {code.lower(): emotion_named(code) for code in emotions_of("crema_d")} == {
        code.lower(): emotion for code, emotion in emotions_of("crema_d").items()
    }


@given(st.sampled_from([word for names in LABEL_MAP.values() for word in names.words]), st.sampled_from(" _-"))
def test_case_spaces_and_hyphens_do_not_matter(word, gap):
    written = f" {word.upper().replace('_', gap)} "

    assert emotion_named(written) is emotion_named(word)


@pytest.mark.parametrize("word", ["", "rage", "anger2", "an ger"])
def test_other_words_mean_nothing(word):
    assert emotion_named(word) is None


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_documentation_has_the_same_table(emotion):
    documentation = (Path(__file__).parents[3] / "docs" / "corpora.md").read_text()
    (row,) = (line for line in documentation.splitlines() if line.startswith(f"| {emotion} |"))
    *codes, words = [cell.strip() for cell in row.strip("|").split("|")][1:]
    names = LABEL_MAP[emotion]

    assert [code.partition(" (")[0] for code in codes] == [getattr(names, corpus) for corpus in RECORDED]
    assert tuple(words.split(", ")) == names.words


@pytest.mark.parametrize("name", CORPORA)
def test_every_corpus_names_emotions_in_the_common_order(name):
    emotions = open_corpus(name).emotions

    assert set(emotions) <= set(Emotion)
    assert list(emotions) == sorted(emotions, key=EMOTIONS.index)
