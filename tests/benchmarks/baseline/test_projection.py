import numpy as np
import pytest

pytest.importorskip("sklearn")

from benchmarks.baseline.projection import BOUND, Projection


def features(clips: int = 40) -> np.ndarray:
    random = np.random.default_rng(0)
    return np.column_stack([random.normal(5, 100, clips), random.normal(0, 1e-3, clips), np.full(clips, 7.0)])


def test_keeps_distances_of_standard_scores():
    values = features()

    found = Projection.fit(values, 0).apply(values)

    spread = values.std(0)
    scores = (values - values.mean(0)) / np.where(spread > 0, spread, 1)
    expected = np.linalg.norm(np.clip(scores[0], -BOUND, BOUND) - np.clip(scores[1], -BOUND, BOUND))
    assert np.linalg.norm(found[0] - found[1]) == pytest.approx(expected, rel=1e-4)


def test_one_absurd_value_is_bounded():
    values = features()
    projection = Projection.fit(values, 0)
    absurd = values[:1].copy()
    absurd[0, 0] = 1e12

    assert np.abs(projection.apply(absurd)).max() <= 2 * BOUND


def test_is_read_as_it_was_written(tmp_path):
    values = features()
    projection = Projection.fit(values, 0)

    projection.save(tmp_path / "projection.npz")

    assert np.array_equal(Projection.load(tmp_path / "projection.npz").apply(values), projection.apply(values))
