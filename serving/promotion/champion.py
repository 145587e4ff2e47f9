"""The version that a challenger has to beat, and the run that it came from."""

from dataclasses import dataclass
from pathlib import Path

from data_pipeline.errors import UserError
from serving.export import origin
from serving.model_repository import repository
from serving.promotion import version_labels
from training.run.folder import Run


@dataclass(frozen=True, slots=True)
class Champion:
    """What is served as stable.

    Attributes:
        version: Its number.
        run: What it was exported from.
        dtype: As which it was exported.
        speakers: That the decision for it was measured on, `corpus/speaker`; empty where there was none.
    """

    version: int
    run: Run
    dtype: str
    speakers: frozenset[str]


def find(folder: Path, run_folder: Path | None = None) -> Champion:
    """The champion of a model: the version labelled stable, else the newest that is served.

    Args:
        folder: A model's folder in a repository, `MODELS/NAME`.
        run_folder: The run that the version was exported from; where its `provenance.json` says, unless given.

    Raises:
        UserError: If there is no such model, its run is not to be found, or is not what was exported.
    """
    version = version_labels.stable(version_labels.read(folder))
    said = origin.read(repository.saved_models(folder)[version])
    if run_folder is None:
        if "folder" not in said:
            raise UserError(f"version {version} of {folder} does not say which run it came from: name it with --run")
        run_folder = Path(said["folder"])
        if not run_folder.is_dir():
            raise UserError(
                f"the run {run_folder} that version {version} of {folder} came from is not there: say where it lies "
                "now with --run"
            )
    run = Run.open(run_folder)
    dtype = said.get("dtype", "float32")
    if said.get("model", None) not in (None, origin.of_run(run, dtype)["model"]):
        raise UserError(
            f"version {version} of {folder} was exported from other weights than {run_folder} has: name its run with "
            "--run, or export this one"
        )
    return Champion(version, run, dtype, frozenset(said.get(origin.MEASURED, ())))


def version_of(folder: Path, run: Run) -> int | None:
    """The newest version that was exported from a run's weights, or None."""
    digest = origin.of_run(run, "")["model"]
    versions = repository.saved_models(folder).items()
    return max((number for number, path in versions if origin.read(path).get("model") == digest), default=None)
