"""Findings about whole corpora: what no single recording shows."""

import json

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import ser
from data_pipeline.quality.check import check
from data_pipeline.quality.corpus_findings import DURATIONS_ALIKE, judge_corpora
from data_pipeline.quality.measure import Measurement
from data_pipeline.quality.recording import Recording
from tests.html_page import HtmlPage


def found_in(seconds, corpus: str = "c") -> list[str]:
    measurements = [Measurement(seconds=one) for one in seconds]
    recordings = [Recording(corpus, str(place), "", 1) for place in range(len(measurements))]
    return [finding.detail for finding in judge_corpora(recordings, measurements)]


@pytest.mark.parametrize(
    "seconds",
    [
        [2.0] * 10,
        [2.0] * 9 + [3.1],
        [1.99, 2.01] * 20,
        [1.4, 1.7, 3.3, 4.1] * 4 + [3.0] * 16,
    ],
)
def test_durations_that_are_alike_are_a_finding(seconds):
    (detail,) = found_in(seconds)
    assert f"of {len(seconds)} clips of {np.median(seconds):.2f} s each" in detail


@pytest.mark.parametrize(
    "seconds",
    [
        np.linspace(1.3, 5.0, 500),
        # Rates of MP3 allow only multiples of 36 ms.
        np.round(np.random.default_rng(0).normal(2.5, 0.5, 500) / 0.036) * 0.036,
        [2.0] * 9,
        [1.4, 1.7, 3.3, 4.1, 2.6] * 4 + [3.0] * 16,
        [],
    ],
    ids=["even", "frames of MP3", "few", "less than half", "none"],
)
def test_durations_of_speech_are_no_finding(seconds):
    assert found_in(seconds) == []


def test_corpora_are_judged_apart_and_without_what_cannot_be_decoded():
    cut = [(Recording("cut", str(place), "", 1), Measurement(seconds=2.0)) for place in range(12)]
    whole = [(Recording("whole", str(place), "", 1), Measurement(seconds=1 + place / 7)) for place in range(12)]
    broken = [(Recording("broken", str(place), "", 1), Measurement(failure="is empty")) for place in range(12)]

    found = judge_corpora(*zip(*cut, *whole, *broken, strict=True))

    assert [(finding.corpus, finding.kind) for finding in found] == [("cut", DURATIONS_ALIKE)]


def test_a_mirror_that_cut_its_clips_is_told_on_every_way(tmp_path):
    rng = np.random.default_rng(0)
    for actor in ("03", "08"):
        for emotion in "WLEAF":
            soundfile.write(tmp_path / f"{actor}a01{emotion}a.wav", rng.normal(0, 0.1, 32_000), 16_000)

    ended = CliRunner().invoke(ser.app, ["data", "check", f"emodb={tmp_path}", "--output", str(tmp_path / "out")])

    sentence = "emodb has 10 of 10 clips of 2.00 s each"
    assert f"{DURATIONS_ALIKE}: {sentence}" in ended.output
    page = HtmlPage.of(tmp_path / "out" / "check.html")
    [row] = page.rows_of("emodb")
    assert DURATIONS_ALIKE in row
    (written,) = json.loads((tmp_path / "out" / "check.json").read_text())["corpus_findings"]
    assert (written["corpus"], written["kind"]) == ("emodb", DURATIONS_ALIKE)


def test_the_copy_of_emodb_that_was_cut_is_known_by_it(speech_data, tmp_path):
    folder = tmp_path / "emodb"
    folder.mkdir()
    for file in sorted((speech_data / "emodb" / "wav").iterdir())[:20]:
        (folder / file.name).symlink_to(file)

    found = check([f"emodb={folder}"], workers=1)

    assert [finding.kind for finding in found.corpus_findings] == [DURATIONS_ALIKE]
