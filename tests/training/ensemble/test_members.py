"""Which runs can be members, and which stored predictions can replace the trainings of their folds."""

import json

import numpy as np
import pytest

from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset
from tests.training.ensemble.runs import clips_of, write_answers
from tests.training.evaluation.test_comparison import copy_of
from tests.training.report.test_report import untrained
from training.cross_validation.stored_answers import read_stored
from training.ensemble.members import members_of
from training.ensemble.training_clips import TrainingClips
from training.run.folder import Run

NAMES = tuple(map(str, LABELS))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("dataset"), train=36, validation=12, test=12, seconds=(0.3, 0.4))


@pytest.fixture(scope="module")
def run(dataset, tmp_path_factory):
    return untrained(dataset, tmp_path_factory.mktemp("runs") / "data")


@pytest.fixture(scope="module")
def training(run):
    return TrainingClips.of(run)


def other(run, folder, **changes):
    """A run of other weights and a changed configuration."""
    made = copy_of(run, folder, **changes)
    model = Run.open(folder).recogniser().model
    (folder / "model.keras").unlink()
    model.layers[-1].set_weights([weight + 1 for weight in model.layers[-1].get_weights()])
    made.save_model(model)
    return made


def test_members_have_different_names(run, tmp_path):
    folders = [run.folder, other(run, tmp_path / "data").folder]
    assert [member.name for member in members_of(folders)] == ["data-2", "data-3"]


def test_runs_that_cannot_be_members_are_refused(run, tmp_path):
    def refused(sentence, *folders):
        with pytest.raises(UserError, match=sentence):
            members_of([run.folder, *folders])

    refused("name two or more")
    refused("has the same weights as", copy_of(run, tmp_path / "same").folder)
    refused("in the same order", copy_of(run, tmp_path / "turned", labels=[*NAMES[::-1]]).folder)
    refused("either acted emotions or listeners' votes", copy_of(run, tmp_path / "heard", label_kind="soft").folder)
    ensemble = {"family": "ensemble", "members": [{"config": run.config}, {"config": run.config}]}
    data = run.config["data"]
    refused("other data or splits", copy_of(run, tmp_path / "data", data={**data, "fingerprint": "another"}).folder)
    moved = {**data["speakers"], "train": data["speakers"]["train"][1:]}
    refused("other data or splits", copy_of(run, tmp_path / "sides", data={**data, "speakers": moved}).folder)
    refused("is an ensemble itself", copy_of(run, tmp_path / "both", model=ensemble).folder)
    unfinished = copy_of(run, tmp_path / "unfinished")
    unfinished.state_file.touch()
    refused("is not finished: continue it", unfinished.folder)
    refused("no config.json", tmp_path)


def test_data_that_the_run_was_not_trained_on_are_refused(run, dataset, tmp_path):
    elsewhere = write_dataset(tmp_path / "elsewhere", train=36, validation=12, test=12, prefix="new-")
    with pytest.raises(UserError, match="does not hold the data that"):
        TrainingClips.of(run, elsewhere.folder)
    mixed = write_dataset(tmp_path / "mixed", train=36, validation=12)
    content = json.loads((mixed.folder / "dataset.json").read_text())
    speakers = content["splits"]["train"]["speakers"]
    content["splits"]["validation"]["speakers"] = speakers[:2]
    (mixed.folder / "dataset.json").write_text(json.dumps(content))
    data = {**run.config["data"], "speakers": {"train": speakers, "validation": speakers[:2]}}
    with pytest.raises(UserError, match="same speakers in several splits"):
        TrainingClips.of(copy_of(run, tmp_path / "run", data=data), mixed.folder)


def test_stored_answers_are_put_into_the_order_of_the_training_clips(dataset, training, tmp_path):
    clips = clips_of(dataset, "train", 36)
    validating = clips_of(dataset, "validation", 12)
    both = {key: np.concatenate([clips[key], validating[key]]) for key in ("name", "speaker", "truth")}
    stored = read_stored(write_answers(tmp_path / "cv.npz", {**both, "labels": clips["labels"]}))
    found = training.probabilities_of(stored, NAMES)
    assert training.num_others(stored) == 12
    for name, probabilities in zip(training.names, found, strict=True):
        np.testing.assert_array_equal(probabilities, stored.probabilities[stored.name == name][0])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (lambda clips: {key: values[1:] for key, values in clips.items() if key != "labels"}, "lacks 1 of the 36"),
        (lambda clips: {"name": np.where(clips["name"] == "train_0", "train_18", clips["name"])}, "lacks 1 of the 36"),
        (lambda clips: {"truth": (clips["truth"] + 1) % 6}, "other right answers"),
        (lambda clips: {"labels": clips["labels"][::-1]}, "in the same order"),
        (lambda clips: {"speaker": np.append(clips["speaker"][1:], "synthetic/test0")}, "1 of the test speakers"),
        (lambda clips: {"clean": np.full((36, 6), 0.2)}, "are no probabilities"),
        (lambda clips: {"clean": np.full((36, 4), 0.25)}, "36 x 4 numbers for 36 clips and 6 labels"),
    ],
)
def test_answers_that_do_not_fit_the_training_clips_are_refused(dataset, training, tmp_path, changes, sentence):
    clips = clips_of(dataset, "train", 36)
    changed = {**clips, **changes(clips)}
    given = {"clean": changed.pop("clean")} if "clean" in changed else {}
    with pytest.raises(UserError, match=sentence):
        training.probabilities_of(read_stored(write_answers(tmp_path / "cv.npz", changed, **given)), NAMES)


def test_a_clip_that_is_there_twice_is_refused(dataset, training, tmp_path):
    clips = clips_of(dataset, "train", 36)
    twice = {key: np.append(values, values[0]) for key, values in clips.items() if key != "labels"}
    with pytest.raises(UserError, match="has 1 twice"):
        training.probabilities_of(read_stored(write_answers(tmp_path / "cv.npz", {**clips, **twice})), NAMES)
