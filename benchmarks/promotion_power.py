"""How often the rule of promotion says what, by how much better the challenger truly is and how many speakers measure.

Two models are right about clips of simulated speakers. One is right about `RIGHT` of them; they differ on about
`APART` of the clips, and the challenger's gain differs between speakers by `SPREAD`.

    python -m benchmarks.promotion_power
"""

import numpy as np

from training.promotion.paired_answers import PairedAnswers
from training.promotion.rule import PromotionOutcome, PromotionRule, decide

RIGHT = 0.65
APART = 0.25
SPREAD = 0.02
CLIPS = 78
"""Of a speaker; of CREMA-D's actors each has about as many."""

EMOTIONS = 6
DRAWS = 200


def simulated(speakers: int, gain: float, random: np.random.Generator) -> PairedAnswers:
    """Answers of both models to clips through one channel.

    Args:
        speakers: How many.
        gain: By which the challenger is truly better.
        random: Decides the rest.
    """
    gains = np.repeat(random.normal(gain, SPREAD, speakers), CLIPS)
    luck = random.random(speakers * CLIPS)
    champion = luck < RIGHT
    # Of the clips on which they differ, so many more are the challenger's that the gain comes out.
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
    """Print a table in Markdown."""
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
