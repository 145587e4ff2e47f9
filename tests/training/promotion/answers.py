"""Predictions of two models for the clips of made-up speakers."""

import numpy as np

from training.promotion.paired_answers import PairedAnswers

LABELS = ("anger", "fear", "neutral")


def paired(
    speakers: int,
    champion: float,
    challenger: float | np.ndarray,
    clips: int = 60,
    seed: int = 0,
    channels: tuple[str, ...] = ("clean", "telephone"),
) -> PairedAnswers:
    """Clips of women and men in turn, each right with a probability.

    Args:
        speakers: How many.
        champion: The chance with which it is right.
        challenger: The same, or one a clip; a clip that both are right about at their chances is the same one.
        clips: Of each speaker, as many of each label.
        seed: Of the draws.
        channels: With draws of their own.
    """
    random = np.random.default_rng(seed)
    count = speakers * clips
    truth = np.tile(np.arange(len(LABELS)), count // len(LABELS))
    wrong = (truth + 1) % len(LABELS)
    luck = random.random((len(channels), count))
    speaker = np.repeat(np.arange(speakers), clips)
    return PairedAnswers(
        labels=LABELS,
        channels=channels,
        speakers=np.char.add("corpus/", speaker.astype(str)),
        truth=truth,
        champion=np.where(luck < champion, truth, wrong),
        challenger=np.where(luck < challenger, truth, wrong),
        traits={"sex": np.where(speaker % 2, "female", "male")},
    )


def swapped(answers: PairedAnswers) -> PairedAnswers:
    """The same with the roles exchanged."""
    return PairedAnswers(
        answers.labels,
        answers.channels,
        answers.speakers,
        answers.truth,
        answers.challenger,
        answers.champion,
        answers.traits,
    )
