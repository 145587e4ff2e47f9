"""Words that are no name, in the place of a speaker's name."""

import pytest

from data_pipeline.corpora.unnamed_speaker import doubtful_speakers


@pytest.mark.parametrize("word", ["null", "N/A", "na", "Unknown", "-", "NONE", "not_known", "calls/unknown"])
def test_words_that_are_no_name_are_warned_of(word):
    (warning,) = doubtful_speakers([word, "anna", word])

    assert warning == (
        f"{word!r} counts as one person, who speaks 2 clips: where nobody knows the speaker, leave the name away"
    )


@pytest.mark.parametrize("name", ["anna", "Nana", "7", "agent-", "unknown2"])
def test_names_are_not_warned_of(name):
    assert doubtful_speakers([name]) == []
