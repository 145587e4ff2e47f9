"""Three hundred damaged files among good ones: none crashes or hangs `prepare`, and none poisons the dataset."""

import numpy as np
import pytest
import soundfile

from data_pipeline import input_pipeline
from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.corpora import open_corpus
from data_pipeline.prepare.job import prepare
from tests.data_pipeline.damaged import damaged_copies

FORMATS = (
    ("wav", "PCM_16"),
    ("flac", "PCM_16"),
    ("ogg", "VORBIS"),
    ("mp3", "MPEG_LAYER_III"),
    ("wav", "GSM610"),
    ("wav", "G721_32"),
)


@pytest.fixture(scope="module")
def originals(speech_data, tmp_path_factory):
    """One real clip in every format that corpora come in."""
    source = next(iter(sorted((speech_data / "emodb" / "wav").iterdir())))
    waveform, rate = soundfile.read(source)
    folder = tmp_path_factory.mktemp("originals")
    paths = []
    for suffix, subtype in FORMATS:
        path = folder / f"{subtype}.{suffix}"
        soundfile.write(path, waveform, rate, subtype=subtype)
        paths.append(path)
    return paths


def test_damaged_files_are_set_aside_or_read_and_the_rest_is_as_without_them(originals, tmp_path):
    corpus = tmp_path / "corpus"
    for emotion in ("angry", "sad"):
        (corpus / emotion).mkdir(parents=True)
        for number, path in enumerate(originals):
            (corpus / emotion / f"{number}{path.suffix}").write_bytes(path.read_bytes())
    good = prepare([(open_corpus("folders"), corpus)], tmp_path / "good", split="random")
    damaged = [
        copy
        for number, path in enumerate(originals)
        for copy in damaged_copies(path, corpus / "happy" / str(number), 50, seed=number)
    ]

    summary = prepare([(open_corpus("folders"), corpus)], tmp_path / "data", split="random")

    clips = sum(split.clips for split in summary.dataset.splits.values())
    assert len(damaged) == 300
    assert sum(split.clips for split in good.dataset.splits.values()) == 12
    assert clips + len(summary.set_aside) == 312
    assert {clip.file.partition("/")[0] for clip in summary.set_aside} == {"happy"}
    assert len(summary.set_aside) > 50
    for split in summary.dataset.splits:
        for features, labels in input_pipeline.log_mels(
            summary.dataset, split, batch_size=16, settings=LogMelSettings()
        ):
            assert np.isfinite(features["log_mel"]).all()
            assert (features["num_frames"].numpy() >= 1).all()
            assert np.isfinite(labels).all()
