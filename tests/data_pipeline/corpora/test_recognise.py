"""Which corpus lies at a place."""

import pytest

from data_pipeline.corpora.sources import recognise
from data_pipeline.corpora.synthetic import synthesize
from tests.data_pipeline.corpora.corpus_folder import lay_out


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("AudioWAV/1001_IEO_NEU_XX.wav", "crema_d"),
        ("Actor_12/03-01-06-01-02-01-12.wav", "ravdess"),
        ("OAF_angry/OAF_back_angry.wav", "tess"),
        ("AudioData/DC/a01.wav", "savee"),
        ("wav/03a01Fa.wav", "emodb"),
        ("angry/anna/x.wav", "folders"),
        ("angry/03a01Fa.wav", "emodb"),
    ],
)
def test_a_folder_is_known_by_its_clips(tmp_path, file, name):
    assert recognise(str(lay_out(tmp_path, file))).name == name


def test_a_synthetic_corpus_is_known_by_its_table(tmp_path):
    synthesize(tmp_path, speakers=1, clips_per_emotion=1)

    assert recognise(str(tmp_path)).name == "synthetic"


@pytest.mark.parametrize("file", ["calls.csv", "calls.tsv", "calls.JSONL", "calls.ndjson"])
def test_a_table_is_a_manifest(tmp_path, file):
    lay_out(tmp_path, file)

    assert recognise(str(tmp_path / file)).name == "manifest"


@pytest.mark.parametrize("place", ["holiday", "holiday/x.wav", "nowhere"])
def test_other_places_are_no_corpus(tmp_path, place):
    lay_out(tmp_path, "holiday/x.wav")

    assert recognise(str(tmp_path / place)) is None
