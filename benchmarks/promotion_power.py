"""The power of the promotion rule: how often it gives each outcome, by the true gain and the number of speakers."""

from typing import Annotated

import numpy as np
import typer

from benchmarks.report import run
from training.promotion.paired_answers import PairedAnswers
from training.promotion.rule import PromotionOutcome, PromotionRule, decide

RIGHT = 0.65
"""Share of the clips about which the champion is right."""

APART = 0.25
"""Share of the clips, about, on which the two models differ."""

SPREAD = 0.02
"""Standard deviation of the challenger's gain between speakers."""

CLIPS = 78
"""Number of clips per speaker, about as many as of each actor of CREMA-D."""

EMOTIONS = 6


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


def main(
    draws: Annotated[int, typer.Option(help="Number of simulated challenges of each row.", min=1)] = 200,
) -> None:
    """Simulate challenges, and count how often the rule of `ser retrain` gives each outcome.

    The answers of two models are simulated for 9, 19 and 40 speakers and for a true gain of 0, 3 and 6 points. The
    champion is right about 65 % of the clips, the models differ on about 25 %, and the gain varies between speakers
    with a standard deviation of 2 points. The table is printed in Markdown.

    The claim, in `docs/retraining.md`: a challenger that is no better is hardly ever promoted, and a gain of three
    points takes about 40 speakers to be found.

    Example: `python -m benchmarks.promotion_power --draws 200`
    """
    rule = PromotionRule(resamples=400)
    print("| speakers | true gain | better | not better | cannot tell | smallest detectable difference, median |")
    print("| --- | --- | --- | --- | --- | --- |")
    for speakers in (9, 19, 40):
        for gain in (0.0, 0.03, 0.06):
            random = np.random.default_rng([speakers, round(100 * gain)])
            decisions = [decide(simulated(speakers, gain, random), rule) for _ in range(draws)]
            shares = [np.mean([one.outcome is outcome for one in decisions]) for outcome in PromotionOutcome]
            detectable = np.median([one.detectable or 0.0 for one in decisions])
            print(
                f"| {speakers} | {100 * gain:.0f} points | "
                + " | ".join(f"{share:.0%}" for share in shares)
                + f" | {100 * detectable:.1f} points |"
            )


if __name__ == "__main__":
    run(main)
