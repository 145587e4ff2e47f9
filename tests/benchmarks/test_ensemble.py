"""`benchmarks.ensemble` on made-up predictions, for which the gain of pooling is known."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from benchmarks.ensemble import main
from data_pipeline.errors import UserError

CLASSES, SPEAKERS, CLIPS = 3, 12, 30


def answers(file: Path, seed: int, shuffle: bool = False, **changes) -> Path:
    """Predictions of a model that is mostly right, with errors independent of those of others."""
    random = np.random.default_rng(0)
    truth = random.integers(CLASSES, size=SPEAKERS * CLIPS)
    noise = np.random.default_rng(seed).normal(scale=1.2, size=(len(truth), CLASSES))
    scores = noise + 1.0 * np.eye(CLASSES)[truth]
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    order = np.random.default_rng(seed).permutation(len(truth)) if shuffle else np.arange(len(truth))
    arrays = {
        "name": np.array([f"clip{number:04}" for number in range(len(truth))])[order],
        "speaker": np.repeat([f"speaker{number}" for number in range(SPEAKERS)], CLIPS)[order],
        "truth": truth[order],
        "labels": np.array(["anger", "neutral", "sadness"]),
        "clean": probabilities[order],
    }
    np.savez(file, **(arrays | changes))
    return file


def test_a_pool_of_models_with_different_errors_is_better_than_each(tmp_path):
    one = answers(tmp_path / "one.npz", 1)
    other = answers(tmp_path / "other.npz", 2, shuffle=True)
    noise = np.random.default_rng(4).dirichlet(np.ones(CLASSES), SPEAKERS * CLIPS)
    useless = answers(tmp_path / "useless.npz", 3, clean=noise)
    main([f"{one}:clean", f"{other}:clean", f"{useless}:clean"], json_file=tmp_path / "figures.json")
    content = json.loads((tmp_path / "figures.json").read_text())
    wa = {name.removeprefix(f"{tmp_path}/"): found["wa"] for name, found in content["figures"].items()}
    assert wa["pooled, fitted weights"] > max(wa["one.npz:clean"], wa["other.npz:clean"]) + 0.03
    assert wa["pooled, fitted weights"] > wa["pooled, equal weights"] - 0.02
    gained = content["against_best"]["metrics"]["wa"]
    assert content["best"] == max(content["weights"], key=lambda name: content["figures"][name]["wa"])
    assert gained["difference"] == pytest.approx(wa["pooled, fitted weights"] - gained["first"])
    assert gained["interval"][0] > 0
    weights = list(content["weights"].values())
    assert weights[2] < 0.3 * min(weights[:2])


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        ("nothing.npz:clean", "cannot be read"),
        ("one.npz:telephone", "has answers of clean"),
        ("one.npz:truth", "has answers of clean"),
        ("shorter.npz:clean", "has other clips or labels"),
    ],
)
def test_what_cannot_be_pooled_is_one_sentence(tmp_path, second, sentence):
    one = answers(tmp_path / "one.npz", 1)
    answers(tmp_path / "shorter.npz", 1, name=np.array([f"other{number:04}" for number in range(SPEAKERS * CLIPS)]))
    with pytest.raises(UserError, match=sentence):
        main([f"{one}:clean", f"{tmp_path}/{second}"])
