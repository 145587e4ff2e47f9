"""Out-of-fold answers that a cross-validation has made already."""

import numpy as np

from data_pipeline.errors import UserError
from training.ensemble.stored_answers import StoredAnswers
from training.ensemble.training_side import TrainingSide


def given_answers(stored: StoredAnswers, side: TrainingSide, labels: tuple[str, ...]) -> np.ndarray:
    """A model's answers to the clips of the training side, in their order.

    Clips of other speakers, whom a cross-validation may have dealt to folds as well, are left out.

    Args:
        stored: What was said of each of these clips by a model that had not heard its speaker.
        side: The training side.
        labels: Of the ensemble.

    Returns:
        float [clips, classes].

    Raises:
        UserError: If a clip is missing or there twice, test speakers were dealt to folds, or labels or right answers
            are others.
    """
    source = stored.source
    if tuple(map(str, stored.labels)) != labels:
        raise UserError(
            f"{source} tells {', '.join(map(str, stored.labels))} apart, and the ensemble {', '.join(labels)}: give "
            "answers with the same emotions in the same order"
        )
    test = side.dataset.splits.get("test")
    if test and (heard := set(map(str, stored.speaker)) & set(test.speakers)):
        raise UserError(
            f"{source} was made with {len(heard)} of the test speakers of {side.dataset.folder}, which are for "
            "measuring alone: cross-validate without them"
        )
    places = side.places(stored.name, stored.speaker)
    found = places >= 0
    counts = np.bincount(places[found], minlength=len(side.names))
    if (counts != 1).any():
        missing, twice = int((counts == 0).sum()), int((counts > 1).sum())
        wrong = f"lacks {missing:,}" if missing else f"has {twice:,} twice"
        raise UserError(
            f"{source} {wrong} of the {len(side.names):,} training clips of {side.dataset.folder}: cross-validate on "
            "all of them"
        )
    order = np.empty(len(side.names), np.int64)
    order[places[found]] = np.flatnonzero(found)
    right = stored.truth[order]
    if not np.array_equal(right, side.acted) and not np.array_equal(right, side.truth):
        raise UserError(f"{source} has other right answers than {side.dataset.folder}: make it from the same dataset")
    return stored.probabilities[order]


def beyond(stored: StoredAnswers, side: TrainingSide) -> int:
    """How many of the clips are not on the training side."""
    return int((side.places(stored.name, stored.speaker) < 0).sum())
