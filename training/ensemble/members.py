"""The runs of an ensemble, and which runs can be members of one."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.errors import UserError
from training.cross_validation.stored_answers import KNOWN
from training.ensemble.out_of_fold import EQUAL, TOGETHER
from training.evaluation.condition import reference_labels
from training.run.folder import Run

_RESERVED = ("data", *KNOWN, EQUAL, TOGETHER)
"""Names that the folders, arrays and metrics beside those of the members have."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an ensemble.

    Attributes:
        name: Name in tables, files and folders; no two members have the same.
        run: The run, trained on all training speakers.
        model: SHA-256 of its `model.keras`.
        temperature: Temperature of its probabilities, before they are pooled.
    """

    name: str
    run: Run
    model: str
    temperature: float


def members_of(folders: Sequence[Path]) -> tuple[Member, ...]:
    """Open the runs of an ensemble.

    Args:
        folders: Two or more run folders.

    Raises:
        UserError: If there are fewer, one is no run folder, is not finished, is an ensemble or is named twice, or they
            were not trained on the same data and splits for the same labels.
    """
    if len(folders) < 2:
        raise UserError("one run alone is no ensemble: name two or more")
    runs = [_open(folder) for folder in folders]
    for run in runs[1:]:
        _check_compatible(runs[0], run)
    digests = [model_digest(run) for run in runs]
    for place, digest in enumerate(digests):
        if digest in digests[:place]:
            first = runs[digests.index(digest)].folder
            raise UserError(f"{runs[place].folder} has the same weights as {first}: name each run once")
    return tuple(
        Member(name, run, digest, run.temperature)
        for name, run, digest in zip(_names(runs), runs, digests, strict=True)
    )


def model_digest(run: Run) -> str:
    """SHA-256 of a run's `model.keras`."""
    with (run.folder / "model.keras").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open(folder: Path) -> Run:
    run = Run.open(folder)
    if run.state_file.exists():
        raise UserError(f"{folder} is not finished: continue it with `ser train from {folder}` first")
    if run.family.members:
        raise UserError(f"{folder} is an ensemble itself: name the runs that it was made of")
    return run


def _check_compatible(first: Run, run: Run) -> None:
    if run.labels != first.labels:
        raise UserError(
            f"{run.folder} tells {', '.join(run.labels)} apart and {first.folder} {', '.join(first.labels)}: members "
            "of an ensemble have the same emotions in the same order"
        )
    if reference_labels(run) != reference_labels(first):
        raise UserError(
            f"{run.folder} learned labels of the kind {run.config['label_kind']} and {first.folder} of the kind "
            f"{first.config['label_kind']}: members of an ensemble learn either acted emotions or listeners' votes"
        )
    data, wanted = run.config["data"], first.config["data"]
    if data["fingerprint"] != wanted["fingerprint"] or data["speakers"] != wanted["speakers"]:
        raise UserError(
            f"{run.folder} was trained on other data or splits than {first.folder}: train the members of an ensemble "
            "on the same prepared dataset"
        )


def _names(runs: Sequence[Run]) -> list[str]:
    """The names of the folders, with a number where a name is taken."""
    names: list[str] = []
    for run in runs:
        name, number = run.folder.resolve().name, 2
        while name in (*names, *_RESERVED):
            name, number = f"{run.folder.resolve().name}-{number}", number + 1
        names.append(name)
    return names
