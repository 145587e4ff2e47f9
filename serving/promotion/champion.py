"""The champion, which is the version that a challenger must beat, and a better challenger as the new canary."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from data_pipeline.errors import UserError
from serving.export.provenance import MEASURED_SPEAKERS, read_provenance, run_provenance
from serving.export.saved_model import export_model
from serving.model_repository import layout
from serving.promotion import version_labels
from serving.promotion.servers import Servers
from training.promotion.challenger import PromotionResult
from training.run.folder import Run


@dataclass(frozen=True, slots=True)
class Champion:
    """The version that is served as stable.

    Attributes:
        version: Version number.
        run: Run that the version was exported from.
        dtype: Data type that the version was exported in.
        speakers: Speakers on whom the promotion of this version was decided, as `corpus/speaker`; empty if it was not
            promoted by `ser retrain`.
    """

    version: int
    run: Run
    dtype: str
    speakers: frozenset[str]


def find_champion(folder: Path, run_folder: Path | None = None) -> Champion:
    """Find the champion of a model: the version labelled `stable`, or else the newest version that is served.

    Args:
        folder: A model's folder in a repository, `MODELS/NAME`.
        run_folder: Folder of the run that the version was exported from. By default, the version's `provenance.json`
            names it.

    Raises:
        UserError: If the model does not exist, or its run cannot be found or has other weights than the version.
    """
    version = version_labels.stable(version_labels.read(folder))
    provenance = read_provenance(layout.saved_models(folder)[version])
    if run_folder is None:
        if "folder" not in provenance:
            raise UserError(f"version {version} of {folder} does not say which run it came from: name it with --run")
        run_folder = Path(provenance["folder"])
        if not run_folder.is_dir():
            raise UserError(
                f"the run {run_folder} that version {version} of {folder} came from does not exist: name its folder "
                "with --run"
            )
    run = Run.open(run_folder)
    dtype = provenance.get("dtype", "float32")
    if provenance.get("model") not in (None, run_provenance(run, dtype)["model"]):
        raise UserError(
            f"version {version} of {folder} was exported from other weights than {run_folder} has: name its run with "
            "--run, or export this one"
        )
    return Champion(version, run, dtype, frozenset(provenance.get(MEASURED_SPEAKERS, ())))


def publish_canary(folder: Path, champion: Champion, result: PromotionResult, servers: Servers) -> int:
    """Export a challenger that was better than the champion as the model's next version, and label it `canary`.

    The champion is labelled `stable` before the new version appears. Otherwise, a server that serves the newest version
    would replace the champion by the challenger. If the challenger has already been exported, its version is labelled.

    Args:
        folder: The model's folder in a repository.
        champion: The version that the challenger has beaten.
        result: The challenger, its data and the decision.
        servers: Servers whose labels are changed at once.

    Returns:
        Number of the new version.

    Raises:
        UserError: If the version cannot be written, or a server cannot be reached.
    """
    version = _exported_version(folder, result.challenger)
    if version is None:
        servers.change_labels(folder, version_labels.pin)
        provenance = {
            **run_provenance(result.challenger, champion.dtype),
            "champion": champion.version,
            "reasons": list(result.decision.reasons),
            MEASURED_SPEAKERS: sorted({*champion.speakers, *result.dataset.split("test").speakers}),
        }
        recogniser = result.challenger.recogniser()
        written = export_model(recogniser, folder.parent, folder.name, provenance=provenance, dtype=champion.dtype)
        version = int(written.name)
    servers.change_labels(folder, partial(version_labels.label_canary, version=version))
    return version


def _exported_version(folder: Path, run: Run) -> int | None:
    """The newest version that was exported from a run's weights; None if there is none."""
    digest = run_provenance(run, "")["model"]
    versions = layout.saved_models(folder).items()
    return max((number for number, path in versions if read_provenance(path).get("model") == digest), default=None)
