"""The power of the promotion rule: how often it gives each outcome, by the true gain and the number of speakers.

The answers of two models are simulated. The champion is right about the fraction `RIGHT` of the clips, the two models
differ on about the fraction `APART`, and the challenger's gain varies between speakers with the standard deviation
`SPREAD`.

    python -m benchmarks.promotion_power
"""

import numpy as np

from training.promotion.paired_answers import PairedAnswers
from training.promotion.rule import PromotionOutcome, PromotionRule, decide

RIGHT = 0.65
APART = 0.25
SPREAD = 0.02
CLIPS = 78
"""Number of clips per speaker, about as many as of each actor of CREMA-D."""

EMOTIONS = 6
DRAWS = 200


def simulated(speakers: int, gain: float, random: np.random.Generator) -> PairedAnswers:
    """Simulated answers of both models to clips of one channel.

    Args:
        speakers: Number of speakers.
        gain: True gain in UA of the challenger.
        random: Random number generator.
    """
    gains = np.repeat(random.normal(gain, SPREAD, speakers), CLIPS)
    luck = random.random(speakers * CLIPS)
    champion = luck < RIGHT
    # The challenger wins so many more of the clips on which they differ that its gain is `gain`.
    lost = champion & (random.random(len(luck)) < (APART - gains) / 2 / RIGHT)
    won = ~champion & (random.random(len(luck)) < (APART + gains) / 2 / (1 - RIGHT))
    truth = np.tile(np.arange(EMOTIONS), speakers * CLIPS // EMOTIONS)
    wrong = (truth + 1) % EMOTIONS
    return PairedAnswers(
        labels=tuple(map(str, range(EMOTIONS))),
        channels=("clean",),
        speakers=np.repeat(np.arange(speakers), CLIPS),
        truth=truth,
        champion=np.where(champion, truth, wrong)[np.newaxis],
        challenger=np.where((champion & ~lost) | won, truth, wrong)[np.newaxis],
        traits={"sex": np.repeat(np.where(np.arange(speakers) % 2, "female", "male"), CLIPS)},
    )


def main() -> None:
    """Print the table in Markdown."""
    rule = PromotionRule(resamples=400)
    print("| speakers | true gain | better | not better | cannot tell | smallest detectable difference, median |")
    print("| --- | --- | --- | --- | --- | --- |")
    for speakers in (9, 19, 40):
        for gain in (0.0, 0.03, 0.06):
            random = np.random.default_rng([speakers, round(100 * gain)])
            decisions = [decide(simulated(speakers, gain, random), rule) for _ in range(DRAWS)]
            shares = [np.mean([one.outcome is outcome for one in decisions]) for outcome in PromotionOutcome]
            detectable = np.median([one.detectable or 0.0 for one in decisions])
            print(
                f"| {speakers} | {100 * gain:.0f} points | "
                + " | ".join(f"{share:.0%}" for share in shares)
                + f" | {100 * detectable:.1f} points |"
            )


if __name__ == "__main__":
    main()
