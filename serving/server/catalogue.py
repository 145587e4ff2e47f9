"""Which models and versions a server answers for, and which of them a request means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from data_pipeline.errors import UserError
from serving import repository, server_config
from serving.server.refusal import invalid, not_found
from serving.server.replay import replay_warm_up
from serving.server.servable import Servable


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


@dataclass(frozen=True)
class Catalogue:
    """The loaded models.

    Attributes:
        servables: By model name, then by version, lowest first.
        labels: By model name, then by label: the version meant.
    """

    servables: Mapping[str, Mapping[int, Servable]]
    labels: Mapping[str, Mapping[str, int]]

    @classmethod
    def load(cls, sources: Sequence[ModelSource]) -> "Catalogue":
        """Load and warm up models.

        Args:
            sources: What to load; see `model_sources`.

        Raises:
            UserError: If one cannot be loaded.
        """
        servables = {source.name: _load_versions(source) for source in sources}
        return cls(servables, {source.name: source.labels for source in sources})

    def loaded(self) -> dict[str, tuple[int, ...]]:
        """The versions of each model."""
        return {name: tuple(versions) for name, versions in self.servables.items()}

    def find(self, spec: ModelSpec) -> Servable:
        """The version that a request means: the one it names or labels, otherwise the newest.

        Raises:
            Refusal: If there is none.
        """
        versions = self.servables.get(spec.name, {})
        wanted = self._wanted_version(spec)
        if wanted is None and not versions:
            raise not_found(f"Servable not found for request: Latest({spec.name})")
        if wanted is None:
            return versions[max(versions)]
        if wanted not in versions:
            raise not_found(f"Servable not found for request: Specific({spec.name}, {wanted})")
        return versions[wanted]

    def versions(self, spec: ModelSpec) -> list[int]:
        """The loaded versions that a request for a model's status asks about: one, or all of them.

        Raises:
            Refusal: If there is none.
        """
        versions = self.servables.get(spec.name, {})
        wanted = self._wanted_version(spec)
        if wanted is None and not versions:
            raise not_found(f"Could not find any versions of model {spec.name}")
        if wanted is None:
            return list(versions)
        if wanted not in versions:
            raise not_found(f"Could not find version {wanted} of model {spec.name}")
        return [wanted]

    def _wanted_version(self, spec: ModelSpec) -> int | None:
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        if spec.HasField("version"):
            return spec.version.value
        if not spec.version_label:
            return None
        labels = self.labels.get(spec.name, {})
        if spec.version_label not in labels:
            raise invalid(f"Unrecognized servable version label: {spec.version_label}")
        return labels[spec.version_label]


def model_sources(models: Path) -> list[ModelSource]:
    """What a repository wants served: what its `models.config` lists, otherwise each folder with versions
    in it. Nothing is loaded yet.

    Args:
        models: The model repository.

    Returns:
        The models, sorted by name; never empty.

    Raises:
        UserError: If there is nothing to serve, or the configuration asks for what is not there.
    """
    if not models.is_dir():
        raise UserError(f"there is no folder {models}: write a model repository with `ser export RUN {models}`")
    configured = (models / server_config.MODELS).exists()
    sources = _configured(models) if configured else _found(models)
    if not sources:
        raise UserError(
            f"{models} holds no model (<name>/<version>/saved_model.pb): export one with `ser export RUN {models}`"
        )
    return sorted(sources, key=lambda source: source.name)


def _configured(models: Path) -> list[ModelSource]:
    config = server_config.read_config(models)
    file = models / server_config.MODELS
    names = [model.name for model in config.model_config_list.config]
    if len(set(names)) < len(names):
        raise UserError(f"{file} lists a model twice: give each its own name")
    return [_source(models, model, file) for model in config.model_config_list.config]


def _source(models: Path, model: ModelConfig, file: Path) -> ModelSource:
    folder = server_config.local_folder(models, model)
    versions = _by_policy(repository.servable_folders(folder.parent, folder.name), model, file)
    for label, version in model.version_labels.items():
        if version not in versions:
            raise UserError(
                f"{file} gives the label {label} to version {version} of {model.name}, which is not served: "
                "label one that is, or widen model_version_policy"
            )
    return ModelSource(model.name, versions, dict(model.version_labels))


def _by_policy(versions: Mapping[int, Path], model: ModelConfig, file: Path) -> Mapping[int, Path]:
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
                    f"{file} asks for version {version} of {model.name}, which is not in the repository: "
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


def _load_versions(source: ModelSource) -> dict[int, Servable]:
    servables = {}
    for version, folder in source.versions.items():
        servables[version] = Servable.load(source.name, version, folder)
        replay_warm_up(servables[version], folder)
    return servables
