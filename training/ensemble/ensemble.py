"""From several runs to one that answers with all of them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data_pipeline.errors import UserError
from data_pipeline.storage.claimed_folder import claimed
from data_pipeline.targets import Target
from training.ensemble.fold_recipe import fold_recipe
from training.ensemble.fold_training import Watch, fold_answers, unwatched
from training.ensemble.given_answers import given_answers
from training.ensemble.members import Member, right_answers
from training.ensemble.out_of_fold import FIGURES, OutOfFold
from training.ensemble.pool import Pool
from training.ensemble.stored_answers import StoredAnswers, write_stored
from training.ensemble.training_side import TrainingSide
from training.evaluation.condition import channel_named
from training.families.ensemble.network import Ensemble
from training.families.registry import ENSEMBLE
from training.front_end import SeveralFrontEnds, to_config
from training.run.folder import Run, versions
from training.temperature import scaled
from training.tuning.folds import folds_of

ANSWERS = "out_of_fold.npz"
"""File of the run folder: every member's out-of-fold answers, at the temperature 1, as `read_stored` reads them."""

FOLDS = "folds"
"""Folder of the run folder, for the data and the runs of the folds."""

_PLAN = "ensemble.json"
"""File of the run folder: what decides the ensemble, by which an interrupted one is known again."""


@dataclass(frozen=True, slots=True)
class EnsembleSettings:
    """How an ensemble is put together.

    Attributes:
        folds: Of the training speakers; each is answered for by trainings without it.
        channel: What clips go through before they are asked about; see `channel.channel_named`.
        biased: Whether classes get biases; see `Pool.fit`.

    Raises:
        UserError: If there is no such channel.
    """

    folds: int = 5
    channel: str = "clean"
    biased: bool = False

    def __post_init__(self) -> None:
        channel_named(self.channel, 0.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an ensemble is made of.

    Attributes:
        members: The runs; see `members.members_of`.
        side: Their training side.
        settings: How they are put together.
        given: By a member's name: answers of a cross-validation, in the place of folds that are trained here.
    """

    members: tuple[Member, ...]
    side: TrainingSide
    settings: EnsembleSettings
    given: dict[str, StoredAnswers] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """Emotions in the order of all members' outputs."""
        return self.members[0].run.labels

    def fold_of(self) -> dict[str, int]:
        """The fold of each training speaker, from 1.

        Raises:
            UserError: If there are too few speakers, or a label would have no training clip in a fold.
        """
        folds = folds_of(self.side.dataset, self.settings.folds, Target(self.labels))
        return {
            speaker: number
            for number, sides in enumerate(folds, start=1)
            for speaker, side in sides.items()
            if side == "validation"
        }

    def decides(self) -> dict[str, Any]:
        """What decides the ensemble, for JSON."""
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
            "fingerprint": self.side.dataset.fingerprint,
            "folds": self.settings.folds,
            "channel": self.settings.channel,
            "biased": self.settings.biased,
        }


def make_ensemble(plan: Plan, folder: Path, watch: Watch = unwatched) -> Run:
    """Get every member's out-of-fold answers, fit the weights on them, and leave a run folder.

    Args:
        plan: What it is made of.
        folder: The run folder; must not exist, be empty, or hold the same ensemble, interrupted.
        watch: Who is told of the trainings.

    Raises:
        UserError: If the folder is taken, the speakers are too few, given answers do not fit, or a fold cannot be
            trained.
    """
    fold_of = plan.fold_of()
    answers = {name: given_answers(stored, plan.side, plan.labels) for name, stored in plan.given.items()}
    recipes = {member.name: fold_recipe(member.run) for member in plan.members if member.name not in answers}
    if not (plan.side.truth >= 0).any():
        raise UserError(
            f"listeners agree on one of the labels for no training clip of {plan.side.dataset.folder}: there is "
            "nothing to fit weights on"
        )
    with claimed(folder):
        _begin(plan, folder)
        for member in plan.members:
            if recipe := recipes.get(member.name):
                answers[member.name] = fold_answers(
                    member, recipe, plan.side, fold_of, folder / FOLDS, plan.settings.channel, watch
                )
        return _finish(plan, folder, {member.name: answers[member.name] for member in plan.members}, fold_of)


def _begin(plan: Plan, folder: Path) -> None:
    """Note what is made here, or make sure that the same is taken up.

    Raises:
        UserError: If the folder holds anything else.
    """
    path = folder / _PLAN
    # Hidden files are those that a process which was killed had no time to remove; see `atomic_file.replacing`.
    if any(not entry.name.startswith(".") for entry in folder.iterdir()):
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = None
        if before != plan.decides():
            raise UserError(f"{folder} already exists and is not empty: choose another folder for this ensemble")
        if (folder / "config.json").exists():
            raise UserError(f"{folder} holds this very ensemble, finished: use it, or choose another folder")
        return
    Run(folder, {}).write_json(_PLAN, plan.decides())


def _finish(plan: Plan, folder: Path, answers: dict[str, np.ndarray], fold_of: dict[str, int]) -> Run:
    folds = np.array([fold_of[str(speaker)] for speaker in plan.side.speakers])
    clear = plan.side.truth >= 0
    found = OutOfFold(
        {member.name: scaled(answers[member.name][clear], member.temperature) for member in plan.members},
        plan.side.truth[clear],
        plan.side.speakers[clear],
        folds[clear],
        plan.labels,
    )
    pool = found.pool(plan.settings.biased)
    front_ends = SeveralFrontEnds.of(member.run.front_end for member in plan.members)
    run = Run(folder, _config(plan, pool, front_ends))
    write_stored(
        folder / ANSWERS,
        {
            "name": plan.side.names,
            "speaker": plan.side.speakers,
            "truth": plan.side.truth,
            "fold": folds,
            "labels": np.array(plan.labels, dtype=str),
            **answers,
        },
    )
    run.write_json(FIGURES, found.figures(plan.settings.biased))
    run.save_model(_model(plan.members, pool, front_ends))
    # Last of all, since it makes the folder a run's.
    run.write_json("config.json", run.config)
    return run


def _model(members: Sequence[Member], pool: Pool, front_ends: SeveralFrontEnds) -> Ensemble:
    return Ensemble(
        [member.run.recogniser().model for member in members],
        [front_ends.parts.index(member.run.front_end) for member in members],
        [member.temperature for member in members],
        pool.weights.tolist(),
        pool.biases.tolist(),
        name=ENSEMBLE,
    )


def _config(plan: Plan, pool: Pool, front_ends: SeveralFrontEnds) -> dict[str, Any]:
    """What `config.json` says: the fields of every run, and of each member what its own says."""
    first = plan.members[0].run.config
    members = [
        {
            "name": member.name,
            "folder": str(member.run.folder.resolve()),
            "model": member.model,
            "temperature": member.temperature,
            "weight": float(weight),
            "out_of_fold": plan.given[member.name].source if member.name in plan.given else "trained",
            "config": {name: value for name, value in member.run.config.items() if name != "data"},
        }
        for member, weight in zip(plan.members, pool.weights, strict=True)
    ]
    biases = dict(zip(plan.labels, pool.biases.tolist(), strict=True)) if plan.settings.biased else None
    return {
        "model": {"family": ENSEMBLE, "members": members, "biases": biases},
        "weights": None,
        "fit": {
            "folds": plan.settings.folds,
            "channel": plan.settings.channel,
            "biased": plan.settings.biased,
            "measured_against": right_answers(plan.members[0].run),
        },
        "front_end": to_config(front_ends),
        "labels": list(plan.labels),
        "label_kind": first["label_kind"],
        "data": {**first["data"], "folder": str(plan.side.dataset.folder.resolve())},
        "versions": versions(),
    }


def _digest(stored: StoredAnswers) -> str:
    """SHA-256 of what a file said."""
    digest = hashlib.sha256()
    for array in (stored.name, stored.speaker, stored.truth, stored.probabilities):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
