"""`ser data …` as a user types it."""

import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
import typer
from typer.testing import CliRunner

import data_pipeline.cli
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from tests.voice import voice

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    app = typer.Typer()
    data_pipeline.cli.mount(app)
    # A second command keeps typer from taking `data` for the whole program.
    app.command()(lambda: None)
    return app


def run(app, *arguments):
    """The output of a command that succeeds; a `UserError` comes through, as `ser.main` gets it."""
    result = CliRunner().invoke(app, ["data", *map(str, arguments)], env={"COLUMNS": "80"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "crema_d"
    folder.mkdir()
    names = [
        f"{actor}_IEO_{emotion}_XX"
        for actor in ("1001", "1002", "1015")
        for emotion in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
    ]
    for seed, name in enumerate(names):
        soundfile.write(folder / f"{name}.wav", voice(0.5, seed=seed), 16_000)
    return folder


def test_list_names_corpora_licences_and_links(app):
    output = run(app, "list")

    assert "crema_d" in output
    assert "Open Database License" in output
    assert "github.com/CheyneyComputerScience/CREMA-D" in output
    assert "synthetic" in output


def test_prepare_says_what_it_did(app, corpus, tmp_path):
    (corpus / "1001_DFA_ANG_XX.wav").touch()
    (corpus / "1001_IEO_SAD_XX.wav").write_bytes((corpus / "1001_IEO_ANG_XX.wav").read_bytes())
    (corpus / "holiday.wav").touch()

    output = run(app, "prepare", "crema_d", corpus, tmp_path / "out", "--workers", 2)

    rows = [line.replace("│", " ").split() for line in output.splitlines()]
    assert ["train", *["2"] * 6, "12", "2", "0.1"] in rows
    assert ["validation", *["1"] * 6, "6", "1", "0.1"] in rows
    assert "set aside, 1 in all:\n  1001_DFA_ANG_XX.wav is empty (zero bytes)" in output
    assert "crema_d/1001_IEO_ANG_XX = crema_d/1001_IEO_SAD_XX" in output
    assert "ignored:\n  holiday.wav" in output
    assert "listeners' votes: not known for any clip; speaker's sex and age: not known for any clip" in output
    assert "x real time" in output
    assert f"dataset: {tmp_path / 'out'}" in output
    assert Dataset.open(tmp_path / "out").split("train").clips == 12


def test_prepare_names_identical_audio_in_two_splits(app, corpus, tmp_path):
    (corpus / "1015_IEO_ANG_XX.wav").write_bytes((corpus / "1001_IEO_ANG_XX.wav").read_bytes())

    output = run(app, "prepare", f"crema_d={corpus}", tmp_path / "out")

    assert "in different splits, 1 in all" in output
    assert "crema_d/1001_IEO_ANG_XX = crema_d/1015_IEO_ANG_XX" in output


def test_prepare_says_what_is_outside_the_usual_labels_and_whose_speakers_are_unknown(app, corpus, tmp_path):
    for emotion in ("calm", "happy"):
        (tmp_path / "mine" / emotion).mkdir(parents=True)
        for number in range(3):
            content = voice(0.5, seed=30 + 10 * number + len(emotion))
            soundfile.write(tmp_path / "mine" / emotion / f"{number}.wav", content, 16_000)

    output = run(app, "prepare", f"crema_d={corpus}", f"folders={tmp_path / 'mine'}", tmp_path / "out")

    assert "crema_d, folders, split: speaker" in output
    assert "outside the six default labels: calm" in output
    assert "the speaker of 6 clips is unknown" in output


@pytest.mark.parametrize("command", ["prepare", "check"])
def test_a_word_that_is_no_name_is_warned_of(app, tmp_path, command):
    for number in range(3):
        soundfile.write(tmp_path / f"{number}.wav", voice(0.3, seed=number), 16_000)
    lines = "0.wav,sad,n/a\n1.wav,sad,n/a\n2.wav,sad,anna\n"
    (tmp_path / "calls.csv").write_text(f"path,emotion,speaker\n{lines}")
    out = [tmp_path / "out"] if command == "prepare" else ["--output", tmp_path / "out"]

    output = run(app, command, f"manifest={tmp_path / 'calls.csv'}", *out)

    assert "speakers that are no name, 1 in all:\n  'n/a' counts as one person, who speaks 2 clips" in output


def test_tables_that_match_nothing_are_not_called_missing(app, corpus, tmp_path):
    (corpus / "VideoDemographics.csv").write_text("ActorID,Age,Sex,Race,Ethnicity\n1091,30,Male,Asian,Not Hispanic\n")

    output = run(app, "prepare", "crema_d", corpus, tmp_path / "out")

    assert "speaker's sex and age: not known for any clip\n" in output


def test_a_long_list_of_set_aside_clips_is_cut(app, corpus, tmp_path):
    for sentence in ("DFA", "ITS", "TIE", "MTI"):
        for emotion in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"):
            (corpus / f"1001_{sentence}_{emotion}_XX.wav").touch()

    output = run(app, "prepare", "crema_d", corpus, tmp_path / "out")

    assert "set aside, 24 in all:" in output
    assert output.count("is empty (zero bytes)") == 20
    assert "and 4 more in dataset.json" in output


def test_a_second_run_says_that_there_is_nothing_to_do(app, corpus, tmp_path):
    run(app, "prepare", "crema_d", corpus, tmp_path / "out")

    assert "nothing to do" in run(app, "prepare", "crema_d", corpus, tmp_path / "out")


def test_the_random_split_is_labelled_as_what_it_is(app, corpus, tmp_path):
    output = run(app, "prepare", "crema_d", corpus, tmp_path / "out", "--split", "random")

    assert "split: random" in output
    assert "for comparison only" in output


def test_overwrite_replaces_another_dataset(app, corpus, tmp_path):
    run(app, "prepare", "crema_d", corpus, tmp_path / "out")
    with pytest.raises(UserError, match="--overwrite"):
        run(app, "prepare", "crema_d", corpus, tmp_path / "out", "--split", "fold:1/2")

    run(app, "prepare", "crema_d", corpus, tmp_path / "out", "--split", "fold:1/2", "--overwrite")

    assert Dataset.open(tmp_path / "out").split_kind == "fold:1/2"


def test_synthetic_speech_is_made_prepared_and_called_synthetic(app, tmp_path):
    output = run(app, "synthesize", tmp_path / "corpus", "--speakers", 3, "--clips-per-emotion", 1, "--seed", 1)
    assert "18 synthetic clips" in output

    output = run(app, "prepare", "synthetic", tmp_path / "corpus", tmp_path / "out")

    assert "synthetic speech" in output
    dataset = Dataset.open(tmp_path / "out")
    assert dataset.synthetic
    assert {name: (split.clips, len(split.speakers)) for name, split in dataset.splits.items()} == {
        "train": (6, 1),
        "validation": (6, 1),
        "test": (6, 1),
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("iemocap", "source", "out"), "no corpus 'iemocap'"),
        (("iemocap=source", "crema_d=source", "out"), "no corpus 'iemocap'"),
        (("crema_d", "ravdess", "source", "out"), "'crema_d' names no corpus and place"),
        (("crema_d=", "out"), "'crema_d=' names no corpus and place"),
        (("out",), "no corpus is named"),
        (("crema_d", "crema_d", "out", "--runner", "SparkleRunner"), "SparkleRunner cannot be used"),
        (("crema_d", "crema_d", "out", "--runner-option", "x"), "name a --runner"),
        (("crema_d", "nowhere", "out"), "nowhere does not exist"),
        (("synthetic", "nowhere", "out"), "nowhere is not a folder"),
        (("crema_d", "empty", "out"), "empty holds no crema_d clip"),
        (("crema_d", "crema_d", "out", "--split", "actor"), "'actor' is no split"),
        (("crema_d", "crema_d", "out", "--split", "fold:1/9"), "needs 9 speakers"),
    ],
)
def test_wrong_requests_are_errors_for_the_user(app, corpus, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()

    with pytest.raises(UserError, match=message):
        run(app, "prepare", *arguments)
    assert not (tmp_path / "out").exists()


def test_the_commands_are_described_without_heavy_imports():
    code = (
        "import sys, data_pipeline.cli; "
        "print(sorted({'tensorflow', 'numpy', 'soundfile', 'soxr'} & sys.modules.keys()))"
    )

    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert output.stdout == "[]\n"
