import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import ser
from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.augment import AugmentSettings
from data_pipeline.errors import UserError
from data_pipeline.quality.signal import Signal
from tests.data_pipeline.prepared import write_dataset
from tests.html_page import HtmlPage
from tests.voice import voice
from training.drift.drift import Due, compare_samples
from training.drift.recordings import RecordingSample
from training.families.cnn.family import FAMILY
from training.families.cnn.recipe import CnnRecipe, CnnSettings
from training.families.recipe import FitSettings
from training.fitting.train import train

LABELS = ("anger", "fear", "neutral")


def sample(count: int, level: float = -25.0, bandwidth: float = 8_000.0, liking: float = 0.0, seed: int = 0):
    """Made-up recordings.

    Args:
        count: How many.
        level: Mean, in dBFS.
        bandwidth: Of all, in Hz.
        liking: For the first label, from 0 to 1.
        seed: Of the draws.
    """
    random = np.random.default_rng(seed)
    signals = tuple(
        Signal(random.uniform(1, 4), random.normal(level, 2), random.normal(-60, 3), bandwidth) for _ in range(count)
    )
    probabilities = random.dirichlet([1, 1, 1], count)
    probabilities[:, 0] += liking
    return RecordingSample(signals, probabilities / probabilities.sum(axis=1, keepdims=True))


def changed(drift) -> dict[str, str]:
    return {figure.name: str(figure.stability.change) for figure in drift.figures}


def test_without_a_change_retraining_is_not_due():
    drift = compare_samples(sample(1_000), sample(400, seed=1), LABELS)
    assert drift.due is Due.NO
    assert set(changed(drift).values()) == {"alike"}
    assert drift.reasons == ("Nothing has changed.",)


def test_changed_figures_are_named_with_their_medians():
    drift = compare_samples(sample(1_000), sample(400, level=-35, bandwidth=4_000, seed=1), LABELS)
    assert drift.due is Due.YES
    assert {name for name, change in changed(drift).items() if change == "changed"} == {
        "level", "signal-to-noise ratio", "bandwidth"
    }  # fmt: skip
    [bandwidth] = [reason for reason in drift.reasons if reason.startswith("bandwidth")]
    assert "median 8,000 Hz before, 4,000 Hz now" in bandwidth


def test_changed_predictions_alone_are_a_reason():
    drift = compare_samples(sample(1_000), sample(400, liking=1.0, seed=1), LABELS)
    assert drift.due is Due.YES
    assert changed(drift)["answers"] == "changed"
    content = drift.to_json()["figures"]["answers"]
    assert sum(content["shares_now"].values()) == pytest.approx(1)
    assert content["shares_now"]["anger"] > content["shares_before"]["anger"] + 0.2


def test_few_recordings_are_not_enough():
    drift = compare_samples(sample(1_000), sample(12, seed=1), LABELS)
    assert drift.due is Due.CANNOT_TELL
    [reason] = [reason for reason in drift.reasons if reason.startswith("Too few recordings")]
    assert "or more" in reason


@pytest.mark.parametrize(
    ("speakers", "due"), [(1, Due.CANNOT_TELL), (4, Due.CANNOT_TELL), (5, Due.YES), (None, Due.YES)]
)
def test_few_speakers_cannot_tell(speakers, due):
    now = replace(sample(400, level=-35, seed=1), speakers=speakers)
    drift = compare_samples(sample(1_000), now, LABELS)
    assert drift.due is due
    assert ("give recordings of 5 or more" in drift.reasons[0]) == (due is Due.CANNOT_TELL)


class TestCommand:
    @pytest.fixture(scope="class")
    @classmethod
    def run(cls, tmp_path_factory):
        dataset = write_dataset(tmp_path_factory.mktemp("data"), 60, 18, (0.3, 0.4))
        recipe = CnnRecipe(
            model=CnnSettings(filters=(8,), window_frames=48, hidden=8),
            fit=FitSettings(epochs=1, batch_size=30, crop_seconds=0.3, augment=AugmentSettings(mixup=0.0)),
            front_end=LogMelSettings(num_bands=32),
        )
        run, _ = train(FAMILY, recipe, dataset, tmp_path_factory.mktemp("run") / "run")
        return run

    @pytest.fixture
    def calls(self, tmp_path):
        """Softer and longer recordings at 8 kHz, one of them broken."""
        folder = tmp_path / "calls"
        folder.mkdir()
        for index in range(40):
            soundfile.write(folder / f"{index}.wav", voice(0.8, 8_000, 0.03, seed=index), 8_000)
        (folder / "broken.wav").write_bytes(b"RIFF")
        return folder

    def test_a_run_is_compared_with_a_folder(self, run, calls, tmp_path):
        command = ["drift", str(run.folder), str(calls), "--output", str(tmp_path / "out"), "--workers", "1"]
        done = CliRunner().invoke(ser.app, [*command, "--strict"])
        assert done.exit_code == 3, done.output
        content = json.loads((tmp_path / "out" / "drift.json").read_text())
        assert content["due"] == "due"
        assert content["figures"]["duration"]["change"] == "changed"
        assert content["figures"]["duration"]["median_now"] == pytest.approx(0.8, abs=0.01)
        assert content["figures"]["level"]["before"] == 60
        assert content["figures"]["level"]["now"] == 40
        assert content["figures"]["bandwidth"]["median_now"] < 4_300
        assert [one["file"] for one in content["unusable"]] == ["calls/broken.wav"]
        page = HtmlPage.of(tmp_path / "out" / "drift.html")
        assert "Retraining is due" in page.text
        assert page.rows_of("calls/broken.wav")
        assert page.tags["figure"] == 1

    def test_recordings_that_all_cannot_be_used_are_refused(self, run, tmp_path):
        (tmp_path / "broken.wav").write_bytes(b"RIFF")
        command = ["drift", str(run.folder), str(tmp_path), "--output", str(tmp_path / "out"), "--workers", "1"]
        done = CliRunner().invoke(ser.app, command)
        assert isinstance(done.exception, UserError)
        assert "none of the recordings can be used" in str(done.exception)
        assert not (tmp_path / "out").exists()
