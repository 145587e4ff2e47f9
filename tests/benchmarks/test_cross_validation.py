"""`benchmarks.cross_validation`: what it refuses at the start."""

import pytest

from benchmarks.cross_validation import main
from data_pipeline.errors import UserError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"family": "wav2vec2"}, "give either a --checkpoint, or an --architecture"),
        ({"family": "cnn", "weights": "yamnet.h5"}, "weights is not a setting"),
        ({"family": "forest"}, "there is no family of models 'forest'; choose one of mobilenet"),
        ({}, "a body of random weights has to learn from the start: give --weights"),
        ({"preset": "nothing"}, "preset must be one of plain, telephone, listeners, scratch, not 'nothing'"),
        ({"family": "functionals", "preset": "telephone"}, "preset must be one of plain, not 'telephone'"),
        ({"only": 6}, "there is no fold 6: give a number from 1 to 5"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(tmp_path, options, words):
    known = {"weights": None, "preset": None, "family": "mobilenet", "folds": 5, "only": None}
    with pytest.raises(UserError, match=words):
        main(f"crema_d={tmp_path}", tmp_path / "out", **(known | options), epochs=None, at_once=1, json_file=None)
    assert not (tmp_path / "out").exists()
