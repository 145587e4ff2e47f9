"""Several corpora in one dataset, on real speech: counts as published, labels kept, speakers apart."""

from collections import Counter

import pytest

from data_pipeline import input_pipeline
from data_pipeline.corpora.sources import parse_sources
from data_pipeline.emotion import LABELS
from data_pipeline.prepare.job import prepare
from data_pipeline.targets import Target


@pytest.fixture(scope="module")
def summary(speech_data, tmp_path_factory):
    sources = parse_sources([f"{name}={speech_data / name}" for name in ("crema_d", "emodb", "ravdess")])
    return prepare(sources, tmp_path_factory.mktemp("prepared") / "data")


def test_counts_are_the_published_ones(summary):
    dataset = summary.dataset
    emotions, speakers = Counter(), Counter()
    for split in dataset.splits.values():
        emotions.update(split.emotions)
        speakers.update(speaker.partition("/")[0] for speaker in split.speakers)

    assert [clip.file for clip in summary.set_aside] == ["AudioMP3/1076_MTI_SAD_XX.mp3"]
    assert sum(split.clips for split in dataset.splits.values()) == 5_883 + 535 + 240
    assert speakers == {"crema_d": 72, "emodb": 10, "ravdess": 4}
    # EmoDB's boredom, RAVDESS's calm and surprise: 8 clips of each of the 4 actors.
    assert (emotions["boredom"], emotions["calm"], emotions["surprise"]) == (81, 32, 32)
    assert dataset.corpora == ("crema_d", "emodb", "ravdess")
    assert dataset.emotions == (*LABELS, "boredom", "calm", "surprise")


def test_no_speaker_is_in_two_splits(summary):
    everyone = [speaker for split in summary.dataset.splits.values() for speaker in split.speakers]

    assert len(everyone) == len(set(everyone)) == 86


def test_a_run_gets_the_clips_of_its_labels(summary):
    split = summary.dataset.split("validation")
    everything = Target((*LABELS, "boredom", "calm", "surprise"))

    known = input_pipeline.descriptions(summary.dataset, "validation")
    assert len(known["name"]) == Target().clips(split) == split.clips - sum(Target().outside(split).values())
    assert set(known["emotion"]) == set(LABELS)
    assert len(input_pipeline.descriptions(summary.dataset, "validation", everything)["name"]) == split.clips
    batches = input_pipeline.waveforms(summary.dataset, "validation", batch_size=64, target=Target(("calm", "neutral")))
    assert sum(len(labels) for _, labels in batches) == split.emotions.get("calm", 0) + split.emotions["neutral"]
