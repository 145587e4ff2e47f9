"""Every page of the project in a browser: on a desktop and on a phone, in light and in dark colours.

Pages are made of awkward data: long names, one speaker alone, nine emotions, nothing at all.
"""

import json
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.baseline.baseline_page import baseline_page
from benchmarks.baseline.experiment import ENSEMBLE, ClassifierResult
from data_pipeline.dataset import Dataset
from data_pipeline.emotion import EMOTIONS, LABELS
from data_pipeline.errors import SetAside
from data_pipeline.pages import figures
from data_pipeline.plots.dataset_page import plot_dataset
from data_pipeline.quality import check_files
from data_pipeline.quality.check import check
from tests.browser import Browser
from tests.data_pipeline.plots.test_plots import clip, noise, write
from tests.data_pipeline.prepared import write_dataset
from tests.training.drift.test_drift import LABELS as ANSWERS
from tests.training.drift.test_drift import sample
from tests.training.promotion.answers import LABELS as CLASSES
from tests.training.promotion.answers import paired
from tests.training.report.test_report import untrained
from training import report
from training.drift.drift import compare_samples
from training.drift.drift_page import drift_page
from training.ensemble.out_of_fold import FIGURES, OutOfFold
from training.evaluation import comparison as comparing
from training.evaluation.condition import Condition
from training.evaluation.evaluate import measure
from training.evaluation.metrics import compute_metrics
from training.families.registry import family_named
from training.promotion.decision_page import decision_page
from training.promotion.rule import PromotionRule, decide
from training.report import comparison
from training.run.answers import Predictions
from training.run.folder import Run
from training.tuning.search import Search
from training.tuning.space import Choice
from training.tuning.trial import State, Trial
from training.tuning.tuning_page import tuning_page

LONG = "a_name_that_is_far_longer_than_any_column_of_a_table_on_a_phone_has_room_for"


class Pages:
    """Each page as a file, written when it is asked for.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, Path] = {}

    def __getitem__(self, name: str) -> Path:
        if name not in self._files:
            written = PAGES[name](self)
            if isinstance(written, str):
                path = self.folder / f"{name}.html"
                path.write_text(written, encoding="utf-8")
                written = path
            self._files[name] = written
        return self._files[name]

    @cached_property
    def tones(self) -> Dataset:
        def votes(split, index):
            return {LABELS[index % 6]: 3, LABELS[(index + 1) % 6]: 1} if index % 2 else None

        return write_dataset(self.folder / "tones", train=12, validation=36, votes=votes)

    @cached_property
    def config(self) -> dict:
        return untrained(self.tones, self.folder / "untrained").config

    def run(self, name: str) -> Run:
        run = Run.create(self.folder / "runs" / name, self.config)
        rows = [
            {
                "epoch": epoch,
                "loss": 2 / epoch,
                "validation_loss": 3 / epoch,
                "validation_wa": 0.5,
                "validation_ua": 0.4,
            }
            for epoch in (1.0, 2.0, 3.0)
        ]
        run.write_history(rows)
        return run


def _dataset(pages: Pages) -> Path:
    clips = [
        (
            clip(
                f"{LONG}_{index}",
                index % 9,
                f"speaker{index % 40}",
                LONG if index % 2 else "short",
                speaker_known=index > 4,
                votes={EMOTIONS[index % 9]: 3, EMOTIONS[0]: 2},
                sex=("female", "male", "")[index % 3],
            ),
            noise(2_000 + 100 * index, index),
        )
        for index in range(45)
    ]
    dataset = write(pages.folder / "nine", {"train": clips[:30], "test": clips[30:]}, synthetic=True, split="random")
    return plot_dataset(dataset, pages.folder / "plots").page


def _small_dataset(pages: Pages) -> Path:
    dataset = write(pages.folder / "one", {"test": [(clip("x", 8), noise(1_000))]})
    return plot_dataset(dataset, pages.folder / "small plots", augment=True).page


def _recording(file: Path, seed: int, seconds: float = 1.0) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, noise(round(16_000 * seconds), seed), 16_000)
    return file


def _check(pages: Pages) -> Path:
    corpus, other = pages.folder / "crema_d", pages.folder / LONG / "b.wav"
    for seed, sentence in enumerate(("IEO", "TIE", "IOM")):
        _recording(corpus / f"1001_{sentence}_NEU_XX.wav", seed)
    # The same again by another speaker, of another split, with another emotion.
    _recording(corpus / "1015_IEO_ANG_XX.wav", 0)
    _recording(corpus / "1002_IEO_HAP_XX.wav", 9, seconds=0.05)
    (corpus / "1002_TIE_ANG_XX.wav").touch()
    (corpus / f"1001_{LONG}.wav").touch()
    return check_files.write(check([f"crema_d={corpus}", str(_recording(other, 5))], 1), pages.folder / "check")


def _clean_check(pages: Pages) -> Path:
    good = _recording(pages.folder / "good" / "a.wav", 0)
    return check_files.write(check([str(good)], 1), pages.folder / "clean check")


def _predictions(share: float, speakers: int = 10, seed: int = 0) -> Predictions:
    """Answers of which a share is right, by the first clips of `tones` and further ones."""
    random, count = np.random.default_rng(seed), 240
    truth = np.arange(count) % 6
    probabilities = random.dirichlet(np.ones(6), count) + 2 * np.eye(6)[truth] * (random.random(count) < share)[:, None]
    index = np.arange(count)
    known = {name: np.full(count, "") for name in ("corpus", "sex", "race", "ethnicity", "intensity", "sentence")}
    known |= {
        "age": np.where(index < 120, 25, 70),
        "sex": np.where(index % 24 < 12, "female", "male"),
        "sentence": np.where(index < 100, LONG, "short"),
        "votes": np.ones((count, 9), int),
    }
    return Predictions(
        np.array([f"{LONG}_{number}" for number in index]),
        np.char.add("synthetic/validation", (index // 24 % speakers).astype(str)),
        truth,
        (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32),
        known,
    )


def _report(pages: Pages, speakers: int = 10) -> Path:
    run, dataset = pages.run(f"of {speakers}"), pages.tones
    for channel, share in (("clean", 0.6), ("telephone", 0.4))[: 1 if speakers == 1 else 2]:
        condition, predictions = Condition(channel=channel), _predictions(share, speakers)
        run.record_answers(condition.title, predictions, dataset.fingerprint)
        run.record_metrics(measure(run, dataset, condition, predictions))
    path = run.folder / "metrics.json"
    metrics = json.loads(path.read_text())
    for one in metrics.values():
        for clip_number, worst in enumerate(one["worst"]):
            worst["place"] = clip_number
    path.write_text(json.dumps(metrics))
    return report.write(run, dataset)


def _ensemble(pages: Pages) -> Path:
    names = ("cnn", LONG, "useless")
    members = [
        {"name": name, "config": pages.config, "temperature": 1.1, "weight": weight}
        for name, weight in zip(names, (0.7, 0.4, 0.0), strict=True)
    ]
    model = {"family": "ensemble", "members": members, "biases": dict.fromkeys(LABELS, 0.25)}
    both = Run.create(
        pages.folder / "runs" / "both",
        {**pages.config, "model": model, "fit": {"folds": 2, "channel": "clean", "biased": True}},
    )
    told = [_predictions(share, seed=seed) for seed, share in enumerate((0.6, 0.5, 0.2))]
    answers = {name: one.probabilities for name, one in zip(names, told, strict=True)}
    folds = np.arange(240) // 24 % 2
    measured = OutOfFold(answers, told[0].truth, told[0].speakers, folds, LABELS).figures(biased=False)
    both.write_json(FIGURES, measured)
    return report.write(both)


def _comparison(pages: Pages) -> Path:
    left = iter(enumerate((0.5, 0.8, 0.5)))

    def predict(*_) -> Predictions:
        seed, share = next(left)
        return _predictions(share, seed=seed)

    runs, page = [pages.run(name) for name in ("first", LONG, "alike")], pages.folder / "comparison.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparing, "predict", predict)
        comparison.write(comparing.compare_runs(runs, pages.tones, Condition()), page)
    return page


def _tuning(pages: Pages) -> str:
    family, random = family_named("mobilenet"), np.random.default_rng(0)
    search = Search(family, {}, family.space, pages.tones, pages.folder / "search", trials=12)

    def draw(dimension):
        if isinstance(dimension, Choice):
            return dimension.choices[random.integers(len(dimension.choices))]
        return float(random.uniform(dimension.low, dimension.high))

    trials = []
    for number in range(1, 13):
        state = {3: State.FAILED, 5: State.PRUNED}.get(number, State.COMPLETE)
        value = random.uniform(0.4, 0.6)
        trials.append(
            Trial(
                number,
                state,
                {name: draw(dimension) for name, dimension in family.space.items()},
                (value, value + 0.01, value - 0.02) if state is State.COMPLETE else (),
                {1: value} if state is State.PRUNED else {},
                500.0,
                f"worse than the median of the complete trials: {LONG}" if state is not State.COMPLETE else "",
            )
        )
    return tuning_page(search, trials)


def _decision(speakers: int, challenger: float) -> str:
    answers = paired(speakers, 0.5, challenger)
    measured = {
        channel: {
            name: compute_metrics(np.eye(3)[chosen[place]], answers.truth, answers.speakers, CLASSES, resamples=20)
            for name, chosen in (("champion", answers.champion), ("challenger", answers.challenger))
        }
        for place, channel in enumerate(answers.channels)
    }
    facts = [("champion", f"out/{LONG}"), ("challenger", "out/new"), ("version", "7")]
    return decision_page(decide(answers, PromotionRule(resamples=50)), facts, ["The champion stays."], measured)


def _drift() -> str:
    unusable = tuple(SetAside(f"{LONG}/{number}.wav", f"cannot be decoded ({LONG})") for number in range(3))
    drift = compare_samples(sample(500), sample(300, level=-35, bandwidth=4_000, seed=1), ANSWERS, unusable)
    return drift_page(drift, [("run", f"out/{LONG}"), ("retraining", drift.due.value)])


def _baseline() -> str:
    results = {}
    for seed, name in enumerate(("svm-rbf", "xgboost", ENSEMBLE)):
        told = _predictions(0.6, seed=seed)
        metrics = compute_metrics(told.probabilities, told.truth, told.speakers, LABELS, resamples=50)
        weights = {"svm-rbf": 0.6, "xgboost": 0.4} if name == ENSEMBLE else {}
        gains = np.array([0.5, 0.3, 0.2]) if name == "xgboost" else np.zeros(0)
        results[name] = ClassifierResult(told.probabilities, metrics, 12.5, (4.0, 8.0), weights, gains)
    facts = [("data", LONG), ("features", "functionals (1,031)")]
    return baseline_page("Baseline", facts, ["Made by a machine."], results, ("pitch", "MFCC", LONG))


PAGES: dict[str, Callable[[Pages], Path | str]] = {
    "dataset": _dataset,
    "small dataset": _small_dataset,
    "check": _check,
    "clean check": _clean_check,
    "report": _report,
    "report of one speaker": partial(_report, speakers=1),
    "ensemble": _ensemble,
    "comparison": _comparison,
    "tuning": _tuning,
    "decision": lambda _: _decision(12, 0.8),
    "undecided": lambda _: _decision(3, 0.55),
    "drift": lambda _: _drift(),
    "baseline": lambda _: _baseline(),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        # Nobody looks at the files beside the pages here.
        patch.setattr(figures, "png", lambda _: b"PNG")
        yield Pages(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def browser():
    opened = Browser()
    yield opened
    opened.close()


LOOK = (Path(__file__).parent / "look.js").read_text()
"""A function of JavaScript that says what is wrong with how a page looks."""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_its_screen_and_can_be_read(browser, pages, name, width, dark):
    browser.open(pages[name], width, dark)

    assert browser.evaluate(f"({LOOK})({11 if width == 390 else 9})") == []
    assert browser.complaints == []
    paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, paper[4:-1].split(","))) < 200) is dark


def test_figures_follow_the_scheme(browser, pages):
    ink = "getComputedStyle([...document.querySelectorAll('svg text')].find(text => text.checkVisibility())).fill"
    fills = []
    for dark in (False, True):
        browser.open(pages["dataset"], 1280, dark)
        fills.append(browser.evaluate(ink))

    assert fills == ["rgb(31, 36, 41)", "rgb(228, 231, 234)"]


def test_a_page_can_be_used_without_a_mouse(browser, pages):
    browser.open(pages["check"], 1280)
    browser.press("Tab")
    skip = "document.activeElement.matches('.skip') && document.activeElement.getBoundingClientRect().height > 20"
    assert browser.evaluate(skip)
    browser.press("Tab")
    assert browser.evaluate("document.activeElement.closest('nav') !== null")
    assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"

    regions = "[...document.querySelectorAll('*')].filter(each => getComputedStyle(each).overflowX === 'auto')"
    usable = "each.tabIndex === 0 && each.getAttribute('role') === 'region' && each.getAttribute('aria-label')"
    assert browser.evaluate(f"{regions}.length") > 5
    assert browser.evaluate(f"{regions}.every(each => {usable})")


def test_a_heading_sorts_its_table(browser, pages):
    browser.open(pages["check"], 1280)
    clips = "[...document.querySelectorAll('table:has(button) tbody th')].map(cell => cell.innerText)"
    before = browser.evaluate(clips)

    for order in ("ascending", "descending"):
        browser.evaluate("document.querySelector('th button').click()")
        assert browser.evaluate("document.querySelector('th').ariaSort") is None
        assert browser.evaluate("document.querySelector('th:has(button)').ariaSort") == order
        assert browser.evaluate(clips) == sorted(before, reverse=order == "descending")
