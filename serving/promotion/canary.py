"""A challenger that was found better becomes the next version of its model, and the canary."""

from functools import partial
from pathlib import Path

from serving.export import origin
from serving.export.export import export
from serving.promotion import version_labels
from serving.promotion.champion import Champion, version_of
from serving.promotion.followers import Followers
from training.promotion.challenger import PromotionResult


def publish(folder: Path, champion: Champion, result: PromotionResult, followers: Followers) -> int:
    """Write the version, whole or not at all, and label it.

    The champion is labelled stable before the version appears: a server of the newest version would else drop the one
    for the other. Where the challenger has become a version before, that is labelled.

    Args:
        folder: The model's folder in a repository.
        champion: Whom it has beaten.
        result: Result of the promotion test.
        followers: Servers that are told at once.

    Returns:
        The version.

    Raises:
        UserError: If the version cannot be written, or a server cannot be told.
    """
    version = version_of(folder, result.challenger)
    if version is None:
        followers.change(folder, version_labels.pin)
        provenance = {
            **origin.of_run(result.challenger, champion.dtype),
            "champion": champion.version,
            "reasons": list(result.decision.reasons),
            origin.MEASURED: sorted({*champion.speakers, *result.dataset.split("test").speakers}),
        }
        recogniser = result.challenger.recogniser()
        written = export(recogniser, folder.parent, folder.name, provenance=provenance, dtype=champion.dtype)
        version = int(written.name)
    followers.change(folder, partial(version_labels.label_canary, version=version))
    return version
