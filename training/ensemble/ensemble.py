"""Make an ensemble: get every member's out-of-fold predictions, fit the weights on them, and write a run folder."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data_pipeline.errors import UserError
from data_pipeline.storage.claimed_folder import claimed
from data_pipeline.targets import Target
from training.cross_validation.fold_training import ObserverOf, fold_recipe, no_observer, out_of_fold_predictions
from training.cross_validation.speaker_folds import SpeakerSplits, fold_numbers, speaker_folds
from training.cross_validation.stored_answers import StoredAnswers, write_stored
from training.ensemble.members import Member
from training.ensemble.out_of_fold import FIGURES, OutOfFold
from training.ensemble.pool import Pool
from training.ensemble.training_clips import TrainingClips
from training.evaluation.condition import Condition, channel_named, reference_labels
from training.families.ensemble.family import FAMILY
from training.families.ensemble.network import Ensemble
from training.families.registry import family_of
from training.front_end import SeveralFrontEnds
from training.run.folder import Run, versions
from training.temperature import scaled

ANSWERS = "out_of_fold.npz"
"""File of the run folder: every member's out-of-fold probabilities, at temperature 1, as `read_stored` reads them."""

FOLDS = "folds"
"""Folder of the run folder: the data and the runs of the folds."""

_DEFINITION = "ensemble.json"
"""File of the run folder: what defines the ensemble, so that only the same one is resumed."""


@dataclass(frozen=True, slots=True)
class EnsembleSettings:
    """Settings of an ensemble.

    Attributes:
        folds: Number of folds of the training speakers. Trainings without a speaker's fold predict the speaker's clips.
        channel: Channel that clips go through before they are predicted; see `condition.channel_named`.
        biased: Whether classes get biases; see `Pool.fit`.

    Raises:
        UserError: If there is no such channel.
    """

    folds: int = 5
    channel: str = "clean"
    biased: bool = False

    def __post_init__(self) -> None:
        channel_named(self.channel)


@dataclass(frozen=True, slots=True)
class EnsembleDefinition:
    """What an ensemble is made of.

    Attributes:
        members: The runs; see `members.members_of`.
        clips: The clips that they were trained on.
        settings: Settings of the ensemble.
        given: Predictions of a cross-validation by a member's name, in place of folds that are trained here.
    """

    members: tuple[Member, ...]
    clips: TrainingClips
    settings: EnsembleSettings
    given: dict[str, StoredAnswers] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """Emotions in the order of all members' outputs."""
        return self.members[0].run.labels

    def to_json(self) -> dict[str, Any]:
        """Everything that decides what the ensemble becomes, for JSON."""
        return {
            "members": [
                {
                    "name": member.name,
                    "model": member.model,
                    "temperature": member.temperature,
                    "given": _digest(self.given[member.name]) if member.name in self.given else None,
                }
                for member in self.members
            ],
            "fingerprint": self.clips.dataset.fingerprint,
            **asdict(self.settings),
        }


def make_ensemble(definition: EnsembleDefinition, folder: Path, observer_of: ObserverOf = no_observer) -> Run:
    """Make an ensemble, or resume making it.

    Args:
        definition: What it is made of.
        folder: The run folder; must not exist, be empty, or hold the same ensemble, interrupted.
        observer_of: Gives the observer of each training.

    Raises:
        UserError: If the folder is taken, there are too few speakers, given predictions do not fit, or a fold cannot be
            trained.
    """
    clips, settings = definition.clips, definition.settings
    folds = speaker_folds(clips.dataset, settings.folds, Target(definition.labels))
    answers = {name: clips.probabilities_of(stored, definition.labels) for name, stored in definition.given.items()}
    recipes = {member.name: fold_recipe(member.run) for member in definition.members if member.name not in answers}
    if not (clips.truth >= 0).any():
        raise UserError(
            f"listeners agree on one of the labels for no training clip of {clips.dataset.folder}: there is nothing "
            "to fit weights on"
        )
    with claimed(folder):
        _begin(definition, folder)
        for member in definition.members:
            if recipe := recipes.get(member.name):
                answers[member.name] = np.empty((len(clips.names), len(definition.labels)))
                for fold in out_of_fold_predictions(
                    family_of(member.run.config),
                    recipe,
                    member.name,
                    clips.dataset,
                    folds,
                    folder / FOLDS,
                    Condition("validation", settings.channel, labels=reference_labels(member.run)),
                    observer_of,
                ):
                    answers[member.name][clips.places(fold.names, fold.speakers)] = fold.probabilities
        return _finish(definition, folder, {one.name: answers[one.name] for one in definition.members}, folds)


def _begin(definition: EnsembleDefinition, folder: Path) -> None:
    """Write the definition, or check that the folder holds the same one.

    Raises:
        UserError: If the folder holds anything else.
    """
    path = folder / _DEFINITION
    # Hidden files are those that a process which was killed had no time to remove; see `atomic_file.replacing`.
    if any(not entry.name.startswith(".") for entry in folder.iterdir()):
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = None
        if before != definition.to_json():
            raise UserError(f"{folder} already exists and is not empty: choose another folder for this ensemble")
        if (folder / "config.json").exists():
            raise UserError(f"{folder} holds this very ensemble, finished: use it, or choose another folder")
        return
    Run(folder, {}).write_json(_DEFINITION, definition.to_json())


def _finish(
    definition: EnsembleDefinition, folder: Path, answers: dict[str, np.ndarray], folds: Sequence[SpeakerSplits]
) -> Run:
    clips, biased = definition.clips, definition.settings.biased
    numbers = fold_numbers(folds, clips.speakers)
    clear = clips.truth >= 0
    found = OutOfFold(
        {member.name: scaled(answers[member.name][clear], member.temperature) for member in definition.members},
        clips.truth[clear],
        clips.speakers[clear],
        numbers[clear],
        definition.labels,
    )
    pool = found.pool(biased)
    front_ends = SeveralFrontEnds.of(member.run.front_end for member in definition.members)
    run = Run(folder, _config(definition, pool, front_ends))
    write_stored(
        folder / ANSWERS,
        {
            "name": clips.names,
            "speaker": clips.speakers,
            "truth": clips.truth,
            "fold": numbers,
            "labels": np.array(definition.labels, dtype=str),
            **answers,
        },
    )
    run.write_json(FIGURES, found.figures(biased))
    run.save_model(_model(definition.members, pool, front_ends))
    # Written last, since it makes the folder that of a run.
    run.write_json("config.json", run.config)
    return run


def _model(members: Sequence[Member], pool: Pool, front_ends: SeveralFrontEnds) -> Ensemble:
    return Ensemble(
        [member.run.recogniser().model for member in members],
        [front_ends.parts.index(member.run.front_end) for member in members],
        [member.temperature for member in members],
        pool.weights.tolist(),
        pool.biases.tolist(),
        name=FAMILY.name,
    )


def _config(definition: EnsembleDefinition, pool: Pool, front_ends: SeveralFrontEnds) -> dict[str, Any]:
    """The content of `config.json`: the fields of every run, and for each member those of its own `config.json`."""
    first, settings, given = definition.members[0].run, definition.settings, definition.given
    members = [
        {
            "name": member.name,
            "folder": str(member.run.folder.resolve()),
            "model": member.model,
            "temperature": member.temperature,
            "weight": float(weight),
            "out_of_fold": given[member.name].source if member.name in given else "trained",
            "config": {name: value for name, value in member.run.config.items() if name != "data"},
        }
        for member, weight in zip(definition.members, pool.weights, strict=True)
    ]
    biases = dict(zip(definition.labels, pool.biases.tolist(), strict=True)) if settings.biased else None
    return {
        "model": {"family": FAMILY.name, "members": members, "biases": biases},
        "weights": None,
        "fit": {**asdict(settings), "measured_against": reference_labels(first)},
        "front_end": front_ends.to_config(),
        "labels": list(definition.labels),
        "label_kind": first.config["label_kind"],
        "data": {**first.config["data"], "folder": str(definition.clips.dataset.folder.resolve())},
        "versions": versions(),
    }


def _digest(stored: StoredAnswers) -> str:
    """SHA-256 of the content of a file."""
    digest = hashlib.sha256()
    for array in (stored.name, stored.speaker, stored.truth, stored.probabilities):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
