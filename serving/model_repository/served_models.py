"""Which models and versions a repository asks a server to serve. Nothing is loaded here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from data_pipeline.errors import UserError
from serving.model_repository import layout, server_config


@dataclass(frozen=True)
class ServedModel:
    """A model that is to be served, with its versions.

    Attributes:
        name: Name of the model in requests.
        versions: SavedModel folders of the versions to serve, by version number, lowest first.
        labels: Version numbers by the labels that requests may use instead (`stable`, `canary`).
    """

    name: str
    versions: Mapping[int, Path]
    labels: Mapping[str, int]


class LabelError(UserError):
    """A label names a version that is not served."""


def served_models(models: Path) -> list[ServedModel]:
    """The models that a repository asks to serve.

    These are the models that `models.config` lists or, without that file, the newest version of each folder that has
    versions.

    Args:
        models: Folder of the model repository.

    Returns:
        The models, sorted by name; never empty.

    Raises:
        UserError: If there is nothing to serve, or the configuration names a model, version or label that does not
            exist.
    """
    if not models.is_dir():
        raise UserError(f"there is no folder {models}: write a model repository with `ser export RUN {models}`")
    file = models / server_config.MODELS
    if file.exists():
        found = configured_models(models, server_config.read_models_config(models), str(file))
    else:
        found = _newest_versions(models)
    if not found:
        raise UserError(
            f"{models} holds no model (<name>/<version>/saved_model.pb): export one with `ser export RUN {models}`"
        )
    return found


def configured_models(models: Path, config: ModelServerConfig, origin: str) -> list[ServedModel]:
    """The models that a configuration asks to serve.

    Args:
        models: Folder of the model repository; base paths below `/models` are taken relative to it.
        config: Configuration that lists the models.
        origin: Source of the configuration, for error messages.

    Returns:
        The models, sorted by name.

    Raises:
        UserError: If the configuration names a model, version or label that does not exist.
    """
    names = [model.name for model in config.model_config_list.config]
    if len(set(names)) < len(names):
        raise UserError(f"{origin} lists a model twice: give each its own name")
    found = [_configured_model(models, model, origin) for model in config.model_config_list.config]
    return sorted(found, key=lambda model: model.name)


def _configured_model(models: Path, model: ModelConfig, origin: str) -> ServedModel:
    folder = server_config.local_folder(models, model)
    versions = _by_policy(layout.servable_folders(folder.parent, folder.name), model, origin)
    for label, version in model.version_labels.items():
        if version not in versions:
            raise LabelError(
                f"{origin} gives the label {label} to version {version} of {model.name}, which is not served: "
                "label one that is, or widen model_version_policy"
            )
    return ServedModel(model.name, versions, dict(model.version_labels))


def _by_policy(versions: Mapping[int, Path], model: ModelConfig, origin: str) -> Mapping[int, Path]:
    """The versions that `model_version_policy` selects; without a policy the newest one, as in TensorFlow Serving."""
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


def _newest_versions(models: Path) -> list[ServedModel]:
    if layout.saved_models(models):
        raise UserError(
            f"{models} is the folder of one model, not a repository: serve the folder above it, "
            f"`ser serve {models.parent}`"
        )
    folders = sorted(entry for entry in models.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    # The repository may also contain folders that are not models.
    with_versions = [folder for folder in folders if layout.versions(folder)]
    if not any(layout.saved_models(folder) for folder in with_versions):
        return []
    found = []
    for folder in with_versions:
        newest, path = max(layout.servable_folders(models, folder.name).items())
        found.append(ServedModel(folder.name, {newest: path}, {}))
    return found
