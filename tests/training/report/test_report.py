import base64
import csv
import io
import re
import wave
from dataclasses import replace

import keras
import numpy as np
import pytest
from huggingface_hub import ModelCard
from rich.console import Console
from typer.testing import CliRunner

import ser
from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset
from tests.html_page import HtmlPage
from training import report
from training.evaluation.condition import Condition
from training.evaluation.evaluate import WORST, measure
from training.families.cnn.family import FAMILY
from training.families.cnn.recipe import CnnRecipe, CnnSettings
from training.fitting.train import run_config
from training.fitting.training_data import describe_training_data
from training.report.groups import findings, undecidable
from training.run.answers import Predictions, read_answers, write_answers
from training.run.folder import Run

SETTINGS = CnnSettings((4, 8), window_frames=48, hidden=8)


def untrained(dataset, folder):
    """A run whose weights are random, which is all that a report needs."""
    keras.utils.set_random_seed(0)
    recipe = CnnRecipe(model=SETTINGS)
    model = FAMILY.build(recipe)
    run = Run.create(folder, run_config(FAMILY, recipe, model, describe_training_data(dataset, recipe.target)))
    run.save_model(model)
    return run


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    def votes(side, index):
        return {LABELS[index % 6]: 3, LABELS[(index + 1) % 6]: 1} if index % 2 else None

    return write_dataset(tmp_path_factory.mktemp("dataset"), train=12, validation=36, votes=votes)


@pytest.fixture(scope="module")
def run(dataset, tmp_path_factory):
    """Evaluated as recorded and by telephone."""
    made = untrained(dataset, tmp_path_factory.mktemp("runs") / "run")
    for options in ([], ["--channel", "telephone"]):
        done = CliRunner().invoke(ser.app, ["evaluate", str(made.folder), str(dataset.folder), *options])
        assert done.exit_code == 0, done.output
    return made


def test_a_page_shows_groups_channels_and_the_worst_clips(run, dataset):
    page = HtmlPage.of(run.folder / "report.html")
    metrics = run.metrics()["validation"]
    assert list(metrics["groups"]["age"]) == ["30 to 44", "45 to 59"]
    for name, group in metrics["groups"]["age"].items():
        rows = page.rows_of(name)
        assert rows[0][1:3] == [str(group["clips"]), str(group["speakers"])]
        assert rows[0][3].startswith(f"{group['wa']:.1%} (")
    assert "6 clips of unknown groups or of groups too small" in page.text
    compared = run.metrics()["validation, telephone"]["against_clean"]
    assert compared["clips"] == 36
    assert "By channel" in page.text
    assert len(metrics["worst"]) == WORST
    pictures = sum(label.startswith("log-mel spectrogram of ") for label in page.labels)
    assert page.tags["audio"] == pictures == 2 * WORST
    assert "people's voices" in page.text
    assert len(page.source) < 3e6


def test_what_is_heard_on_a_page_is_the_clip(run, dataset):
    page = (run.folder / "report.html").read_text()
    first = run.metrics()["validation"]["worst"][0]
    encoded = re.search(rf"(?s)<code>{first['name']}</code>.*?data:audio/wav;base64,([^\"]+)", page)[1]
    with wave.open(io.BytesIO(base64.b64decode(encoded))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert 0.4 <= file.getnframes() / 16_000 <= 1.2
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    # Tones whose pitch tells the emotion.
    pitch = np.fft.rfft(heard / 32_768)
    strongest = np.abs(pitch).argmax() * 16_000 / len(heard)
    assert strongest == pytest.approx(200 * 1.4 ** LABELS.index(first["right"]), rel=0.05)


def test_the_worst_clips_are_wrong_and_sure_of_it(run, dataset):
    metrics = run.metrics()["validation"]
    with (run.folder / "answers" / "validation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 36
    wrong = sorted(float(row[row["right"]]) for row in rows if row["right"] != row["answer"])
    told = [clip["probability"] for clip in metrics["worst"]]
    assert told == pytest.approx(wrong[:WORST], abs=1e-6)
    for clip in metrics["worst"]:
        assert rows[clip["place"]]["name"] == clip["name"]
        assert rows[clip["place"]]["answer"] == clip["answer"] != clip["right"]
        assert clip.get("votes", {clip["right"]: 3})[clip["right"]] == 3


def test_voices_can_be_left_out_and_are_without_their_data(run, dataset):
    done = CliRunner().invoke(ser.app, ["evaluate", str(run.folder), str(dataset.folder), "--no-listen"])
    assert done.exit_code == 0, done.output
    page = (run.folder / "report.html").read_text()
    assert "<audio" not in page
    assert run.metrics()["validation"]["worst"][0]["name"] in page
    assert "<audio" not in report.write(run, replace(dataset, fingerprint="another")).read_text()
    assert "<audio" in report.write(run, dataset).read_text()


def test_the_model_card_is_what_the_hub_reads(run):
    text = (run.folder / "model_card.md").read_text()
    card = ModelCard(text, ignore_metadata_errors=False)
    assert card.data.to_dict()["library_name"] == "keras"
    assert card.data.pipeline_tag == "audio-classification"
    assert card.data.language == ["en"]
    metrics = run.metrics()
    results = {(result.dataset_config, result.metric_name): result.metric_value for result in card.data.eval_results}
    assert results == {
        (title, name): metrics[title][key]
        for title in metrics
        for key, name in (("wa", "WA"), ("ua", "UA"), ("macro_f1", "macro-F1"))
    }
    for words in ("Article 5(1)(f)", "Article 50(3)", "synthetic", "Apache-2.0", "of a test", "Intended uses"):
        assert words in card.text
    assert f"{metrics['validation']['ua']:.1%}" in card.text
    assert "Performance on telephone speech" not in card.text
    assert "equally well for people of any sex or race has not been measured" in card.text


def test_a_group_that_differs_is_pointed_out(dataset, tmp_path):
    """A run that is right for one age and wrong for the other."""
    made = untrained(dataset, tmp_path / "run")
    truth = np.arange(60) % 6
    speakers = np.repeat([f"s{number}" for number in range(10)], 6)
    young = np.repeat(np.arange(10) < 5, 6)
    known = {name: np.full(60, "") for name in ("corpus", "sex", "race", "ethnicity", "intensity", "sentence")}
    known |= {"age": np.where(young, 25, 70), "votes": np.zeros((60, 9), int)}
    answers = np.eye(6)[np.where(young, truth, (truth + 1) % 6)]
    predictions = Predictions(np.arange(60).astype(str), speakers, truth, answers, known)
    metrics = measure(made, dataset, Condition(), predictions)
    [first, second] = findings(metrics)
    assert "age under 30: the mean recall differs by +100.0 points from that of the others" in first
    assert "age 60 and older: the mean recall differs by −100.0 points" in second
    made.record_metrics(metrics)
    page = HtmlPage.of(report.write(made))
    assert page.notices[-2:] == [first, second]
    assert [row[0] for row in page.marked] == ["under 30", "60 and older"]
    assert first in report.write_card(made).read_text()
    assert undecidable(metrics["groups"]["age"]) == []
    assert undecidable({"a": {"p": 0.5, "least_p": 0.2}, "b": {"p": 0.5, "least_p": 0.2}, "c": {}}) == ["a", "b", "c"]


def of_few(made, dataset, speakers=3, labels=(0, 1, 2, 3, 4, 5)):
    """Metrics of predictions that are all right, on clips with these labels only."""
    count = 60 * speakers
    truth = np.array(labels)[np.arange(count) % len(labels)]
    names = np.repeat([f"s{number}" for number in range(speakers)], 60)
    known = {name: np.full(count, "") for name in ("corpus", "race", "ethnicity", "intensity", "sentence")}
    known |= {"sex": np.where(np.arange(count) % 2, "female", "male"), "age": np.full(count, -1)}
    known |= {"votes": np.zeros((count, 9), int)}
    return measure(
        made, dataset, Condition(), Predictions(np.arange(count).astype(str), names, truth, np.eye(6)[truth], known)
    )


def everything_shown(made) -> str:
    console = Console(file=io.StringIO(), width=200, highlight=False)
    for metrics in made.metrics().values():
        report.show(metrics, console)
    return " ".join(
        " ".join(text.split())
        for text in (console.file.getvalue(), HtmlPage.of(report.write(made)).text, report.write_card(made).read_text())
    )


def test_absent_emotions_are_named_with_the_number_that_ua_is_taken_over(dataset, tmp_path):
    made = untrained(dataset, tmp_path / "run")
    made.record_metrics(of_few(made, dataset, labels=(0, 3)))
    told = "No clip is labelled disgust or fear or neutral or sadness: UA is the mean recall of 2 of 6 emotions"
    assert everything_shown(made).count(told) == 3
    [row] = [row for row in HtmlPage.of(made.folder / "report.html").rows_of("disgust") if row[-1] == "0"]
    assert row[2:4] == ["–", "–"]


def test_a_split_of_people_without_names_does_not_promise_to_keep_them_apart(dataset, tmp_path):
    unnamed = replace(dataset, speakers_unknown=7)
    made = untrained(unnamed, tmp_path / "run")
    made.record_metrics(of_few(made, unnamed))
    shown = everything_shown(made)
    assert "no speaker is in two splits" not in shown
    assert shown.count("by speaker: people who are not named may be in two splits") == 4


def test_three_speakers_tell_nothing_beyond_chance(dataset, tmp_path):
    made = untrained(dataset, tmp_path / "run")
    metrics = of_few(made, dataset)
    # As an earlier version wrote it, with a tail of the bootstrap for a p.
    compared = {"first": 0.5, "second": 1.0, "difference": 0.5, "interval": [0.4, 0.6], "p": 0.0005}
    telephone = {**metrics, "condition": "validation, telephone", "channel": "telephone"}
    made.record_metrics(metrics)
    made.record_metrics({**telephone, "against_clean": {"metrics": {"ua": compared}}})
    shown = everything_shown(made)
    assert "< 0.001" not in shown
    assert "cannot tell" in HtmlPage.of(made.folder / "report.html").rows_of("validation, telephone")[-1]
    assert "Too few speakers to tell whether any group differs from the others." in shown


def test_one_speaker_has_no_interval(dataset, tmp_path):
    made = untrained(dataset, tmp_path / "run")
    made.record_metrics(of_few(made, dataset, speakers=1))
    metrics = made.metrics()["validation"]
    assert [metrics[f"{key}_interval"] for key in ("wa", "ua", "macro_f1", "ece")] == [None] * 4
    assert "100.0% (not known)" in everything_shown(made)


def test_datasets_have_conditions_of_their_own(dataset, tmp_path):
    """One was evaluated by an earlier version, which knew of splits only."""
    made = untrained(dataset, tmp_path / "run")
    earlier = {**of_few(made, replace(dataset, fingerprint="0123456789")), "condition": "validation"}
    made.write_json("metrics.json", {"validation": earlier})
    other = replace(dataset, fingerprint="abcdefghij", folder=tmp_path / "june")
    elsewhere = replace(dataset, fingerprint="klmnopqrst", corpora=("emodb",))
    for each in (dataset, other, elsewhere, dataset):
        made.record_metrics(of_few(made, each))
    recorded = made.metrics()
    assert {title: metrics["fingerprint"] for title, metrics in recorded.items()} == {
        "validation (01234567)": "0123456789",
        "validation": "of a test",
        "validation, of june (abcdefgh)": "abcdefghij",
        "validation, of emodb (klmnopqr)": "klmnopqrst",
    }
    assert all(metrics["condition"] == title for title, metrics in recorded.items())
    made.record_metrics(of_few(made, replace(dataset, fingerprint="0123456789", folder=tmp_path / "may")))
    assert "validation, of may (01234567)" in made.metrics()
    assert "validation (01234567)" not in made.metrics()
    report.write(made)


def test_answers_come_back_from_their_file(tmp_path):
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 5).astype(np.float32)
    written = Predictions(np.array(list("vwxyz")), np.array(list("aabbc")), np.array([0, 1, 2, -1, 0]), probabilities)
    path = tmp_path / "answers.csv"
    write_answers(path, written, ("anger", "fear", "calm"), "print")
    read = read_answers(path, ("anger", "fear", "calm"), "print")
    for field in ("names", "speakers", "truth", "probabilities"):
        np.testing.assert_array_equal(getattr(read, field), getattr(written, field))
    assert read_answers(path, ("anger", "fear", "calm"), "another") is None
    assert read_answers(tmp_path / "none.csv", ("anger",), "print") is None
    path.write_text(path.read_text().replace("calm", "clam"))
    with pytest.raises(UserError, match=r"answers\.csv cannot be read .*: remove it"):
        read_answers(path, ("anger", "fear", "calm"), "print")
