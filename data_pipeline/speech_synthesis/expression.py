"""What an emotion does to a voice.

Emotions are departures from the speaker's own neutral speech, as the literature reports them. They vary so much from
utterance to utterance that speakers and emotions overlap.
"""

from dataclasses import dataclass, fields

import numpy as np

from data_pipeline.emotion import Emotion


@dataclass(frozen=True, slots=True)
class Expression:
    """Departures from a speaker's neutral voice; all zeros is neutral.

    Attributes:
        pitch: Mean F0, in semitones.
        pitch_range: Size of the F0 movements, as a natural logarithm of the factor.
        pitch_slope: Rise of F0 from the first to the last sound, in semitones.
        rate: Speed of articulation, as a natural logarithm of the factor.
        level: Loudness in dB.
        contrast: Loudness of accented syllables above that of others, in dB.
        tilt: Attenuation of the voicing at 3 kHz in dB; negative for more high-frequency energy.
        jitter: Irregularity of the period, as a natural logarithm of the factor.
        shimmer: Irregularity of the amplitude, as a natural logarithm of the factor.
        breath: Aspiration in dB.
        pauses: Number of additional pauses per utterance.
        tract: Length of the vocal tract, as a natural logarithm of the factor on the formants.
        effort: Precision of articulation; 0 is the speaker's usual precision.
    """

    pitch: float = 0.0
    pitch_range: float = 0.0
    pitch_slope: float = 0.0
    rate: float = 0.0
    level: float = 0.0
    contrast: float = 0.0
    tilt: float = 0.0
    jitter: float = 0.0
    shimmer: float = 0.0
    breath: float = 0.0
    pauses: float = 0.0
    tract: float = 0.0
    effort: float = 0.0


# The directions come from four reviews and studies; this project chose plausible sizes.
#   S03: Scherer, Vocal communication of emotion, Speech Communication 40 (2003), synthesis of the literature.
#   BS96: Banse & Scherer, Acoustic profiles in vocal emotion expression, J. Pers. Soc. Psych. 70 (1996).
#   JL03: Juslin & Laukka, Communication of emotions in vocal expression and music performance, Psychological
#     Bulletin 129 (2003).
#   MA93: Murray & Arnott, Toward the simulation of emotion in synthetic speech, JASA 93 (1993).
EXPRESSIONS: dict[Emotion, Expression] = {
    # Higher F0 and wider range, louder, more high-frequency energy, faster (S03, BS96 hot anger, JL03, MA93);
    # abrupt accents and tense articulation (MA93), irregular (JL03).
    Emotion.ANGER: Expression(
        pitch=4.0,
        pitch_range=0.5,
        pitch_slope=-0.5,
        rate=0.10,
        level=8.0,
        contrast=2.5,
        tilt=-7.0,
        jitter=0.4,
        shimmer=0.3,
        breath=-1.0,
        pauses=-0.4,
        effort=0.10,
    ),
    # Much slower, lower, falling at the end, softer, grumbled in the chest (MA93); studies of disgust in
    # speech agree on little else and listeners recognise it worst (S03, BS96).
    Emotion.DISGUST: Expression(
        pitch=-2.0,
        pitch_range=0.15,
        pitch_slope=-2.0,
        rate=-0.20,
        level=-1.0,
        jitter=0.6,
        shimmer=0.6,
        pauses=0.3,
        tract=-0.03,
    ),
    # Much higher and faster, irregular voicing (MA93); higher and faster (S03), little F0 variability, rising
    # contour, irregular (JL03). Loudness and spectrum: S03 and JL03 disagree (panic against fear), so they
    # hardly change.
    Emotion.FEAR: Expression(
        pitch=4.5,
        pitch_range=-0.25,
        pitch_slope=1.5,
        rate=0.17,
        level=0.5,
        tilt=0.5,
        jitter=0.6,
        shimmer=0.3,
        breath=3.0,
        pauses=0.2,
    ),
    # Higher and wider F0, louder, somewhat more high-frequency energy and faster (S03, JL03); smooth upward
    # inflections and a breathy, blaring voice (MA93); regular, rising contour (JL03). Smiling raises the
    # formants (Tartter, Happy talk, Perception & Psychophysics 27, 1980).
    Emotion.HAPPINESS: Expression(
        pitch=3.5,
        pitch_range=0.55,
        pitch_slope=2.0,
        rate=0.06,
        level=4.5,
        contrast=1.0,
        tilt=-3.0,
        jitter=-0.2,
        shimmer=-0.2,
        breath=2.0,
        pauses=-0.2,
        tract=0.04,
    ),
    Emotion.NEUTRAL: Expression(),
    # Lower F0 and narrower range, softer, less high-frequency energy, slower (S03, BS96, JL03); falling,
    # slurred (MA93); many pauses, irregular (JL03).
    Emotion.SADNESS: Expression(
        pitch=-1.5,
        pitch_range=-0.45,
        pitch_slope=-1.5,
        rate=-0.16,
        level=-5.5,
        contrast=-1.0,
        tilt=5.0,
        jitter=0.3,
        shimmer=0.2,
        breath=3.0,
        pauses=0.8,
        effort=-0.20,
    ),
}

INTENSITIES: dict[str, float] = {"low": 0.65, "medium": 1.0, "high": 1.3}
"""Share of an emotion's expression that an utterance of each intensity reaches."""

# Standard deviations. They decide how hard the corpus is: a classifier on functionals reaches 60 to 70 % on speakers
# that it was not trained on.
HABIT = Expression(
    pitch=0.8,
    pitch_range=0.15,
    pitch_slope=0.6,
    rate=0.05,
    level=1.2,
    contrast=0.5,
    tilt=1.2,
    jitter=0.15,
    shimmer=0.15,
    breath=1.2,
    pauses=0.1,
    tract=0.008,
    effort=0.03,
)
"""Differences between speakers in acting the same emotion."""

MOMENT = Expression(
    pitch=1.2,
    pitch_range=0.2,
    pitch_slope=1.0,
    rate=0.06,
    level=1.8,
    contrast=0.8,
    tilt=1.6,
    jitter=0.2,
    shimmer=0.2,
    breath=1.5,
    pauses=0.2,
    tract=0.01,
    effort=0.05,
)
"""Differences between utterances of one speaker."""

MOMENT_STRENGTH = 0.25
"""Standard deviation of the share of the expression that an utterance reaches."""


def bounded(rng: np.random.Generator, deviation: float) -> float:
    """Draw from a normal distribution, cut at 2.5 standard deviations so that no impossible voice comes out."""
    return float(deviation * np.clip(rng.standard_normal(), -2.5, 2.5))


def scatter(deviations: Expression, rng: np.random.Generator) -> Expression:
    """Draw each departure with the standard deviation given."""
    return Expression(*(bounded(rng, getattr(deviations, field.name)) for field in fields(Expression)))


def scale(expression: Expression, factor: float) -> Expression:
    """An expression with all departures multiplied by a factor."""
    return Expression(*(factor * getattr(expression, field.name) for field in fields(Expression)))


def combine(*expressions: Expression) -> Expression:
    """The sum of expressions."""
    return Expression(
        *(sum(getattr(expression, field.name) for expression in expressions) for field in fields(Expression))
    )
