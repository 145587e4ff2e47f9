"""The runs of an ensemble, and which runs can be one."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.errors import UserError
from data_pipeline.targets import LabelKind
from training.ensemble.out_of_fold import EQUAL, TOGETHER
from training.ensemble.stored_answers import KNOWN
from training.run.folder import Run

_RESERVED = ("data", *KNOWN, EQUAL, TOGETHER)
"""Names of what stands beside the members' folders, answers and figures."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of the runs.

    Attributes:
        name: In tables, in files and of folders; no two members have the same.
        run: The run, trained on all training speakers.
        model: SHA-256 of its `model.keras`.
        temperature: At which it answers, before its answers are pooled.
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
        UserError: If there are fewer, one is none, is not finished, is an ensemble or stands there twice, or they were
            not trained on the same data and sides for the same labels.
    """
    if len(folders) < 2:
        raise UserError("one run alone is no ensemble: name two or more")
    runs = [_open(folder) for folder in folders]
    for run in runs[1:]:
        _check_alike(runs[0], run)
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


def right_answers(run: Run) -> LabelKind:
    """Whose word is right for a run: `acted`, or `voted` where it learned from listeners."""
    return "acted" if run.config["label_kind"] == "acted" else "voted"


def _open(folder: Path) -> Run:
    run = Run.open(folder)
    if run.state_file.exists():
        raise UserError(f"{folder} is not finished: go on with it by `ser train from {folder}` first")
    if run.family.members:
        raise UserError(f"{folder} is an ensemble itself: name the runs that it was made of")
    return run


def _check_alike(first: Run, run: Run) -> None:
    """Whether two runs can answer as one."""
    if run.labels != first.labels:
        raise UserError(
            f"{run.folder} tells {', '.join(run.labels)} apart and {first.folder} {', '.join(first.labels)}: members "
            "of an ensemble have the same emotions in the same order"
        )
    if right_answers(run) != right_answers(first):
        raise UserError(
            f"{run.folder} learned labels of the kind {run.config['label_kind']} and {first.folder} of the kind "
            f"{first.config['label_kind']}: members of an ensemble learn what is right from the same people"
        )
    data, wanted = run.config["data"], first.config["data"]
    if data["fingerprint"] != wanted["fingerprint"] or data["speakers"] != wanted["speakers"]:
        raise UserError(
            f"{run.folder} was trained on other data or sides than {first.folder}: train the members of an ensemble on "
            "the same prepared dataset"
        )


def _names(runs: Sequence[Run]) -> list[str]:
    """The folders' names, with a number where they are alike or taken."""
    names: list[str] = []
    for run in runs:
        name, number = run.folder.resolve().name, 2
        while name in (*names, *_RESERVED):
            name, number = f"{run.folder.resolve().name}-{number}", number + 1
        names.append(name)
    return names
