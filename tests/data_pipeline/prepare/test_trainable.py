"""A dataset on which no model can be trained says so when it is prepared, with the remedy."""

import pytest
import soundfile
from typer.testing import CliRunner

import ser
from data_pipeline.dataset import Dataset
from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError
from data_pipeline.prepare.trainable import trainable
from data_pipeline.targets import Target
from tests.voice import voice
from training.fitting.training_data import describe_training_data

ALL = [(emotion, speaker) for speaker in "abcd" for emotion in LABELS]


@pytest.fixture
def prepare(tmp_path):
    """`prepare(rows, *options)`: prepare clips of (emotion, speaker) or (emotion, speaker, split).

    Returns the output with each run of spaces as one, and the dataset.
    """

    def prepare(rows, *options) -> tuple[str, Dataset]:
        header = ["path", "emotion", "speaker", "split"][: 1 + len(rows[0])]
        lines = [",".join(header)]
        for number, row in enumerate(rows):
            soundfile.write(tmp_path / f"{number}.wav", voice(0.5 + 0.01 * number, seed=number), 16_000)
            lines.append(",".join([f"{number}.wav", *row]))
        (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
        place, out = f"manifest={tmp_path / 'clips.csv'}", tmp_path / "data"
        done = CliRunner().invoke(ser.app, ["data", "prepare", place, str(out), "--workers", "1", *options])
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split()), Dataset.open(out)

    return prepare


@pytest.mark.parametrize(
    ("rows", "words", "remedy"),
    [
        ([(*row, "test") for row in ALL], "no clip is for training", "give most speakers the split train"),
        ([(*row, "train") for row in ALL], "no clip is for validation", "give a few speakers the split validation"),
        (ALL[:6], "all clips are of one speaker, manifest/a", "add recordings of others"),
        ([("anger", speaker) for speaker in "abc"], "all training clips are labelled anger", "another emotion"),
    ],
    ids=["no training split", "no validation split", "one speaker", "one emotion"],
)
def test_what_cannot_be_trained_on_is_told_with_the_remedy(prepare, rows, words, remedy):
    output, dataset = prepare(rows)

    assert "warning: no model can be trained on this dataset: " in output
    assert words in output
    assert remedy in output
    assert f"next: ser evaluate RUN {dataset.folder} --split all" in output
    with pytest.raises(UserError):
        describe_training_data(dataset, Target())


def test_one_voice_to_learn_from_is_doubtful(prepare):
    output, dataset = prepare([row for row in ALL if row[1] in "ab"])

    assert "warning: all training clips are of one speaker, manifest/" in output
    assert f"next: ser train mobilenet {dataset.folder} RUN" in output
    assert trainable(dataset).obstacles == ()


def test_the_next_command_names_emotions_that_there_are(prepare):
    output, dataset = prepare([row for row in ALL if row[0] in ("anger", "sadness")])

    assert f"next: ser train mobilenet {dataset.folder} RUN --emotions anger,sadness" in output
    describe_training_data(dataset, Target(labels=trainable(dataset).emotions))
    assert "warning" not in output


def test_a_dataset_to_train_on_has_no_warning(prepare):
    output, dataset = prepare(ALL)

    assert "warning" not in output
    assert output.endswith(f"next: ser train mobilenet {dataset.folder} RUN")


def test_one_speaker_in_a_random_split_can_be_trained_on(prepare):
    _, dataset = prepare(ALL[:6] * 4, "--split", "random")

    assert trainable(dataset).obstacles == ()
    assert trainable(dataset).doubts
