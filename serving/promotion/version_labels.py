"""Version labels: clients choose a version by its label, so moving a label moves all clients that ask for it.

- `stable` is the version that has proved itself.
- `canary` is a candidate that receives some of the calls; without a candidate it is the stable version.
- `previous` is the version that a rollback makes stable again.

Labels are stored in `models.config` only. Labelled versions stay loaded, so a rollback takes no longer than a request.
"""

from collections.abc import Callable
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from data_pipeline.errors import UserError
from serving.model_repository import layout, server_config
from serving.model_repository.served_models import ServedModel, configured_models

STABLE = "stable"
CANARY = "canary"
PREVIOUS = "previous"

Labels = dict[str, int]
"""Version numbers by label."""


class LabelMoveError(UserError):
    """A label cannot be moved as requested."""


def read(folder: Path) -> ServedModel:
    """Read which versions of a model are served, and their labels.

    Args:
        folder: A model's folder in a repository, `MODELS/NAME`.

    Raises:
        UserError: If the model does not exist, or `models.config` names a version that does not exist.
    """
    layout.servable_folders(folder.parent, folder.name)
    config = server_config.read_models_config(folder.parent)
    return _served(folder, _entry(config, folder))


def stable(model: ServedModel) -> int:
    """The stable version: the one with that label, or else the newest version that is served."""
    return model.labels.get(STABLE, max(model.versions))


def pin(folder: Path) -> ModelServerConfig:
    """Label the version that is served now `stable`, so that a newer version does not replace it automatically.

    Args:
        folder: A model's folder in a repository.

    Returns:
        The new content of `models.config`. All functions of this module that move labels return it.

    Raises:
        UserError: See `read`. All functions of this module that move labels raise it.
    """
    return _change(folder, lambda model: {**model.labels, STABLE: stable(model)})


def label_canary(folder: Path, version: int) -> ModelServerConfig:
    """Make a version the canary. If no version is labelled `stable`, the version that is served now gets that label.

    Args:
        folder: A model's folder in a repository.
        version: Number of one of the model's versions.

    Raises:
        LabelMoveError: If the version does not exist.
    """
    return _change(folder, lambda model: {**model.labels, STABLE: stable(model), CANARY: version})


def promote(folder: Path, version: int | None = None) -> ModelServerConfig:
    """Make a version stable. The version that was stable before becomes `previous`.

    Args:
        folder: A model's folder in a repository.
        version: Number of one of the model's versions; by default the canary. If it is already stable, `previous`
            stays.

    Raises:
        LabelMoveError: If the version does not exist, or none is given and there is no canary.
    """

    def moved(model: ServedModel) -> Labels:
        chosen = model.labels.get(CANARY) if version is None else version
        if chosen is None:
            raise LabelMoveError(
                f"no version of {folder} is labelled {CANARY}: name one with --version, of "
                f"{', '.join(map(str, layout.saved_models(folder)))}"
            )
        before = stable(model)
        labels = {**model.labels, STABLE: chosen, CANARY: chosen}
        return labels if chosen == before else {**labels, PREVIOUS: before}

    return _change(folder, moved)


def roll_back(folder: Path) -> ModelServerConfig:
    """Make the version labelled `previous` stable again. It also becomes the canary.

    Args:
        folder: A model's folder in a repository.

    Raises:
        LabelMoveError: If no version is labelled `previous`.
    """

    def moved(model: ServedModel) -> Labels:
        if PREVIOUS not in model.labels:
            raise LabelMoveError(
                f"no version of {folder} is labelled {PREVIOUS}, so that there is nothing to go back to: name a "
                f"version with `ser promote {folder} --version N`"
            )
        labels = {**model.labels}
        labels[STABLE] = labels[CANARY] = labels.pop(PREVIOUS)
        return labels

    return _change(folder, moved)


def withdraw_canary(folder: Path) -> ModelServerConfig:
    """Label the stable version `canary`, so that clients of the canary get the stable version.

    Args:
        folder: A model's folder in a repository.
    """
    return _change(folder, lambda model: {**model.labels, STABLE: stable(model), CANARY: stable(model)})


def _change(folder: Path, move: Callable[[ServedModel], Labels]) -> ModelServerConfig:
    """Move labels in `models.config`, which is replaced atomically, while no other command can write it."""
    layout.servable_folders(folder.parent, folder.name)
    with server_config.editing(folder.parent) as config:
        model = _entry(config, folder)
        before = _served(folder, model)
        after = move(before)
        exported = layout.saved_models(folder)
        missing = sorted(set(after.values()) - set(exported))
        if missing:
            raise LabelMoveError(f"{folder} has no version {missing[0]}: choose from {', '.join(map(str, exported))}")
        _relabel(model, before, after)
        _served(folder, model)
    return config


def _relabel(model: ModelConfig, before: ServedModel, after: Labels) -> None:
    """Set the labels and let every labelled version be loaded. A version that loses its last label is unloaded."""
    policy = model.model_version_policy
    if policy.WhichOneof("policy_choice") != "all":
        listed = set(policy.specific.versions) if policy.WhichOneof("policy_choice") == "specific" else set()
        policy.specific.versions[:] = sorted((listed - set(before.labels.values())) | set(after.values()))
    model.version_labels.clear()
    model.version_labels.update(after)


def _entry(config: ModelServerConfig, folder: Path) -> ModelConfig:
    for model in config.model_config_list.config:
        if model.name == folder.name:
            return model
    raise LabelMoveError(
        f"{folder.parent / server_config.MODELS} does not list the model {folder.name}: give MODELS/NAME of one that "
        "`ser export` has written"
    )


def _served(folder: Path, model: ModelConfig) -> ServedModel:
    alone = ModelServerConfig()
    alone.model_config_list.config.append(model)
    (served,) = configured_models(folder.parent, alone, str(folder.parent / server_config.MODELS))
    return served
