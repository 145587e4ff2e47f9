"""Which models and versions a repository wants served; nothing is loaded yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from data_pipeline.errors import UserError
from serving.model_repository import repository, server_config


@dataclass(frozen=True)
class ModelSource:
    """One model of a repository, before anything of it is loaded.

    Attributes:
        name: What requests call it.
        versions: SavedModel folders to serve, by version, lowest first.
        labels: Versions by the names that requests may use instead (`stable`, `canary`).
    """

    name: str
    versions: Mapping[int, Path]
    labels: Mapping[str, int]


class LabelError(UserError):
    """A label for a version that is not served."""


def model_sources(models: Path) -> list[ModelSource]:
    """What a repository wants served: what its `models.config` lists, otherwise each folder with versions
    in it.

    Args:
        models: The model repository.

    Returns:
        The models, sorted by name; never empty.

    Raises:
        UserError: If there is nothing to serve, or the configuration asks for what is not there.
    """
    if not models.is_dir():
        raise UserError(f"there is no folder {models}: write a model repository with `ser export RUN {models}`")
    file = models / server_config.MODELS
    if file.exists():
        sources = configured_sources(models, server_config.read_config(models), str(file))
    else:
        sources = _found(models)
    if not sources:
        raise UserError(
            f"{models} holds no model (<name>/<version>/saved_model.pb): export one with `ser export RUN {models}`"
        )
    return sources


def configured_sources(models: Path, config: ModelServerConfig, origin: str) -> list[ModelSource]:
    """What a configuration wants served.

    Args:
        models: The model repository, which base paths below `/models` stand for.
        config: Lists the models.
        origin: Where the configuration comes from, for error messages.

    Returns:
        The models, sorted by name.

    Raises:
        UserError: If the configuration asks for what is not there.
    """
    names = [model.name for model in config.model_config_list.config]
    if len(set(names)) < len(names):
        raise UserError(f"{origin} lists a model twice: give each its own name")
    sources = [_source(models, model, origin) for model in config.model_config_list.config]
    return sorted(sources, key=lambda source: source.name)


def _source(models: Path, model: ModelConfig, origin: str) -> ModelSource:
    folder = server_config.local_folder(models, model)
    versions = _by_policy(repository.servable_folders(folder.parent, folder.name), model, origin)
    for label, version in model.version_labels.items():
        if version not in versions:
            raise LabelError(
                f"{origin} gives the label {label} to version {version} of {model.name}, which is not served: "
                "label one that is, or widen model_version_policy"
            )
    return ModelSource(model.name, versions, dict(model.version_labels))


def _by_policy(versions: Mapping[int, Path], model: ModelConfig, origin: str) -> Mapping[int, Path]:
    """The versions that `model_version_policy` picks; the newest one where it is silent, as in TensorFlow
    Serving.
    """
    policy = model.model_version_policy
    if policy.WhichOneof("policy_choice") == "all":
        return versions
    if policy.WhichOneof("policy_choice") == "specific":
        for version in policy.specific.versions:
            if version not in versions:
                raise UserError(
                    f"{origin} asks for version {version} of {model.name}, which is not in the repository: "
                    f"choose from {', '.join(map(str, versions))}"
                )
        return {version: versions[version] for version in sorted(policy.specific.versions)}
    newest = sorted(versions)[-max(policy.latest.num_versions, 1) :]
    return {version: versions[version] for version in newest}


def _found(models: Path) -> list[ModelSource]:
    if repository.saved_models(models):
        raise UserError(
            f"{models} is the folder of one model, not a repository: serve the folder above it, "
            f"`ser serve {models.parent}`"
        )
    folders = sorted(entry for entry in models.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    # Folders of other things may lie beside the models.
    with_versions = [folder for folder in folders if repository.versions(folder)]
    if not any(repository.saved_models(folder) for folder in with_versions):
        return []
    sources = []
    for folder in with_versions:
        versions = repository.servable_folders(models, folder.name)
        newest = max(versions)
        sources.append(ModelSource(folder.name, {newest: versions[newest]}, {}))
    return sources
