"""Labels, by which clients choose a version: moving one moves everybody who asks for it.

`stable` is the version that has proved itself, `canary` a candidate that some calls go to, or the stable version where
there is no candidate, and `previous` the one to which stable goes back. They stand in `models.config`, which is the
only record of them. Labelled versions stay loaded, so that going back takes no longer than a request.
"""

from collections.abc import Callable
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from data_pipeline.errors import UserError
from serving.model_repository import repository, server_config
from serving.server.sources import ModelSource, configured_sources

STABLE = "stable"
CANARY = "canary"
PREVIOUS = "previous"

Labels = dict[str, int]
"""Versions by their labels."""


class LabelMove(UserError):
    """A label that cannot be moved as asked."""


def read(folder: Path) -> ModelSource:
    """Which versions of a model are served, and by which labels.

    Args:
        folder: A model's folder in a repository, `MODELS/NAME`.

    Raises:
        UserError: If there is no such model, or its `models.config` asks for what is not there.
    """
    repository.servable_folders(folder.parent, folder.name)
    config = server_config.read_config(folder.parent)
    return _source(folder, _entry(config, folder))


def stable(source: ModelSource) -> int:
    """The version for those who want one that has proved itself: the labelled one, else the newest that is served."""
    return source.labels.get(STABLE, max(source.versions))


def pin(folder: Path) -> ModelServerConfig:
    """Label the version that is served now as stable, so that a newer one does not take its place by being newer.

    Args:
        folder: A model's folder in a repository.

    Returns:
        The content of `models.config`, as for the others.

    Raises:
        UserError: See `read`, as for the others.
    """
    return _change(folder, lambda source: {**source.labels, STABLE: stable(source)})


def label_canary(folder: Path, version: int) -> ModelServerConfig:
    """Make a version the canary; the one that is served now stays, and becomes stable where none was called so.

    Args:
        folder: A model's folder in a repository.
        version: One of its versions.

    Raises:
        LabelMove: If there is no such version.
    """
    return _change(folder, lambda source: {**source.labels, STABLE: stable(source), CANARY: version})


def promote(folder: Path, version: int | None = None) -> ModelServerConfig:
    """Make a version stable; the one that was stable before is kept as `previous`.

    Args:
        folder: A model's folder in a repository.
        version: One of its versions; the canary unless given. Where it is stable already, nothing changes.

    Raises:
        LabelMove: If there is no such version, or no canary.
    """

    def moved(source: ModelSource) -> Labels:
        chosen = source.labels.get(CANARY) if version is None else version
        if chosen is None:
            raise LabelMove(
                f"no version of {folder} is labelled {CANARY}: name one with --version, of "
                f"{', '.join(map(str, repository.saved_models(folder)))}"
            )
        before = stable(source)
        labels = {**source.labels, STABLE: chosen, CANARY: chosen}
        return labels if chosen == before else {**labels, PREVIOUS: before}

    return _change(folder, moved)


def roll_back(folder: Path) -> ModelServerConfig:
    """Make stable what was stable before; the version that was taken back is a candidate no more.

    Args:
        folder: A model's folder in a repository.

    Raises:
        LabelMove: If nothing was stable before.
    """

    def moved(source: ModelSource) -> Labels:
        if PREVIOUS not in source.labels:
            raise LabelMove(
                f"no version of {folder} is labelled {PREVIOUS}, so that there is nothing to go back to: name a "
                f"version with `ser promote {folder} --version N`"
            )
        labels = {**source.labels, STABLE: source.labels[PREVIOUS], CANARY: source.labels[PREVIOUS]}
        del labels[PREVIOUS]
        return labels

    return _change(folder, moved)


def withdraw_canary(folder: Path) -> ModelServerConfig:
    """Send those who ask for the canary to the stable version.

    Args:
        folder: A model's folder in a repository.
    """
    return _change(folder, lambda source: {**source.labels, STABLE: stable(source), CANARY: stable(source)})


def _change(folder: Path, move: Callable[[ModelSource], Labels]) -> ModelServerConfig:
    """Move labels in `models.config`, which is replaced whole or not at all, while nobody else writes it."""
    repository.servable_folders(folder.parent, folder.name)
    with server_config.editing(folder.parent) as config:
        model = _entry(config, folder)
        before = _source(folder, model)
        after = move(before)
        missing = sorted(set(after.values()) - set(repository.saved_models(folder)))
        if missing:
            raise LabelMove(
                f"{folder} has no version {missing[0]}: choose from "
                f"{', '.join(map(str, repository.saved_models(folder)))}"
            )
        _relabel(model, before, after)
        _source(folder, model)
    return config


def _relabel(model: ModelConfig, before: ModelSource, after: Labels) -> None:
    """Set the labels, and have every labelled version loaded; one that loses its last label is loaded no more."""
    policy = model.model_version_policy
    if policy.WhichOneof("policy_choice") != "all":
        asked_for = set(policy.specific.versions) if policy.WhichOneof("policy_choice") == "specific" else set()
        loaded = sorted((asked_for - set(before.labels.values())) | set(after.values()))
        policy.specific.versions[:] = loaded
    model.version_labels.clear()
    model.version_labels.update(after)


def _entry(config: ModelServerConfig, folder: Path) -> ModelConfig:
    for model in config.model_config_list.config:
        if model.name == folder.name:
            return model
    raise LabelMove(
        f"{folder.parent / server_config.MODELS} does not list the model {folder.name}: give MODELS/NAME of one that "
        "`ser export` has written"
    )


def _source(folder: Path, model: ModelConfig) -> ModelSource:
    alone = ModelServerConfig()
    alone.model_config_list.config.append(model)
    (source,) = configured_sources(folder.parent, alone, str(folder.parent / server_config.MODELS))
    return source
