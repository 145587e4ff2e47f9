"""How synthetic speakers differ, and what an emotion does to a speaker's voice.

Emotions are departures from the speaker's own neutral speech, as the literature reports them, and vary so
much from utterance to utterance that speakers and emotions overlap.
"""

from dataclasses import dataclass, fields

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.corpora.articulation import SENTENCES, Gesture, articulate, frames_of, phones_of
from data_pipeline.corpora.voice import HOP, Floats, Glottis, Tracks, speak
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
        contrast: How far accented syllables stand out in loudness, in dB.
        tilt: Attenuation of the voicing at 3 kHz in dB; negative for more high-frequency energy.
        jitter: Irregularity of the period, as a natural logarithm of the factor.
        shimmer: Irregularity of the amplitude, as a natural logarithm of the factor.
        breath: Aspiration in dB.
        pauses: Additional pauses per utterance.
        tract: Length of the vocal tract, as a natural logarithm of the factor on the formants.
        effort: Precision of articulation, 0 being the speaker's usual.
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


# Directions from four reviews and studies; the sizes are this project's, chosen to be plausible.
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
"""How far an utterance goes towards its emotion's expression."""

# Standard deviations. They decide how hard the corpus is: a classifier on functionals reaches 60 to 70 % on
# speakers that it has not heard.
_HABIT = Expression(
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
"""How a speaker's way of acting one emotion differs from other speakers'."""

_MOMENT = Expression(
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
"""How one utterance differs from the next."""

_MOMENT_STRENGTH = 0.25
"""Standard deviation of the share of the expression that an utterance reaches."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A synthetic person and the place where they were recorded.

    Attributes:
        sex: `female` or `male`.
        f0: Hz, the mean of neutral speech.
        tract: Factor on the formants of an average man.
        rate: Factor on unhurried speech.
        open_quotient: Of neutral voicing.
        tilt_db: Of neutral voicing, at 3 kHz.
        jitter: Of neutral voicing, as a share of the period.
        shimmer_db: Of neutral voicing.
        breath_db: Aspiration in vowels relative to the voicing's amplitude.
        level_db: Of neutral speech in dB below full scale, RMS while speaking.
        noise_db: Of the background in dB below full scale, RMS.
        noise_pole: Colour of the background: 0 is white, towards 1 rumbles.
        habits: How each emotion differs from the common expression.
    """

    sex: str
    f0: float
    tract: float
    rate: float
    open_quotient: float
    tilt_db: float
    jitter: float
    shimmer_db: float
    breath_db: float
    level_db: float
    noise_db: float
    noise_pole: float
    habits: dict[Emotion, Expression]


def draw_speaker(sex: str, rng: np.random.Generator) -> Speaker:
    """Draw a person of that sex.

    Mean F0 (about 120 and 210 Hz) and the ratio of the formants (about 1.17) are those of adults in Peterson
    & Barney (1952) and Titze (Physiologic and acoustic differences between male and female voices, JASA 85,
    1989).

    Args:
        sex: `female` or `male`.
        rng: Draws everything else.
    """
    female = sex == "female"
    return Speaker(
        sex=sex,
        f0=(205.0 if female else 115.0) * np.exp(_bounded(rng, 0.11)),
        tract=(1.17 if female else 1.0) * np.exp(_bounded(rng, 0.035)),
        rate=np.exp(_bounded(rng, 0.08)),
        open_quotient=(0.63 if female else 0.57) + _bounded(rng, 0.04),
        tilt_db=(2.0 if female else 0.0) + _bounded(rng, 2.0),
        jitter=0.008 * np.exp(_bounded(rng, 0.3)),
        shimmer_db=0.35 * np.exp(_bounded(rng, 0.3)),
        breath_db=(-27.0 if female else -30.0) + _bounded(rng, 2.0),
        level_db=-30.0 + _bounded(rng, 2.0),
        noise_db=-62.0 + _bounded(rng, 4.0),
        noise_pole=rng.uniform(0.0, 0.95),
        habits={emotion: _scatter(_HABIT, rng) for emotion in Emotion},
    )


def say(sentence: str, speaker: Speaker, emotion: Emotion, intensity: float, rng: np.random.Generator) -> Floats:
    """Record one utterance.

    Args:
        sentence: A key of `SENTENCES`.
        speaker: Who says it.
        emotion: How.
        intensity: Share of the emotion's expression, as in `INTENSITIES`.
        rng: Draws what differs from utterance to utterance.

    Returns:
        Waveform [samples] at 16 kHz within ±1, of 1 to 3 s.
    """
    strength = intensity * max(0.2, 1.0 + _bounded(rng, _MOMENT_STRENGTH))
    # Neutral speech is no departure, but speakers have their own neutral in every session too.
    manner = _combine(_scale(EXPRESSIONS[emotion], strength), speaker.habits[emotion], _scatter(_MOMENT, rng))
    gesture = _gesture(sentence, speaker, manner, rng)
    speech = speak(_tracks(gesture, speaker, manner, rng), _glottis(speaker, manner), rng)
    return _record(speech, gesture.speaking, speaker, manner, rng)


def _gesture(sentence: str, speaker: Speaker, manner: Expression, rng: np.random.Generator) -> Gesture:
    words = SENTENCES[sentence].count("/") + 1
    chance = np.clip((0.3 + manner.pauses) / (words - 1), 0.0, 0.5)
    pauses = {word: rng.uniform(80.0, 260.0) for word, draw in enumerate(rng.uniform(size=words - 1)) if draw < chance}
    phones = phones_of(SENTENCES[sentence], pauses)
    # From 0.8 to 2.6 s of speech and up to 0.2 s of silence at either end: 1 to 3 s.
    frames = int(np.clip(frames_of(phones, speaker.rate * np.exp(manner.rate)), 80, 260))
    effort = float(np.clip(0.9 + manner.effort, 0.5, 1.1))
    return articulate(phones, tract=speaker.tract * np.exp(manner.tract), effort=effort, frames=frames)


def _glottis(speaker: Speaker, manner: Expression) -> Glottis:
    return Glottis(
        # A brighter voice closes faster (Fant, The LF-model revisited, STL-QPSR 2-3, 1995).
        open_quotient=float(np.clip(speaker.open_quotient + 0.01 * manner.tilt, 0.4, 0.85)),
        tilt_db=speaker.tilt_db + manner.tilt,
        jitter=float(np.clip(speaker.jitter * np.exp(manner.jitter), 0.0, 0.05)),
        shimmer_db=float(np.clip(speaker.shimmer_db * np.exp(manner.shimmer), 0.0, 2.0)),
    )


def _tracks(gesture: Gesture, speaker: Speaker, manner: Expression, rng: np.random.Generator) -> Tracks:
    frames = len(gesture.voicing)
    progress = np.linspace(-0.5, 0.5, frames)
    # Unhurried neutral speech declines by about two semitones and rises by about three on an accent.
    knots = np.arange(0, frames + 30, 30)
    wander = np.interp(np.arange(frames), knots, rng.standard_normal(len(knots)))
    accents = 3.0 * gesture.accents * (1.0 + 0.3 * wander)
    semitones = (
        manner.pitch
        + (manner.pitch_slope - 2.0) * progress
        + np.exp(manner.pitch_range) * (accents - accents.mean() + 0.5 * wander)
    )
    loudness = 10.0 ** (((2.0 + manner.contrast) * gesture.accents - 3.0 * progress) / 20.0)
    breath = 10.0 ** ((speaker.breath_db + manner.breath) / 20.0)
    return Tracks(
        f0=np.clip(speaker.f0 * 2.0 ** (semitones / 12.0), 55.0, 600.0),
        formants=gesture.formants,
        bandwidths=gesture.bandwidths,
        voicing=gesture.voicing * loudness,
        aspiration=(gesture.aspiration + gesture.voicing * breath) * loudness,
        # Noise made in the mouth grows less with effort than the voice.
        frication=gesture.frication * np.sqrt(loudness),
        frication_hz=gesture.frication_hz,
        frication_bandwidth=gesture.frication_bandwidth,
    )


def _record(speech: Floats, speaking: Floats, speaker: Speaker, manner: Expression, rng: np.random.Generator) -> Floats:
    """Set the level, add silence at both ends and the background, and turn the gain down rather than clip."""
    active = np.repeat(speaking, HOP) > 0.0
    target = 10.0 ** ((speaker.level_db + manner.level) / 20.0)
    speech = speech * (target / np.sqrt(np.mean(speech[active] ** 2)))
    before, after = rng.integers(SAMPLE_RATE // 10, SAMPLE_RATE // 5, size=2)
    waveform = np.pad(speech, (before, after))
    waveform += 10.0 ** (speaker.noise_db / 20.0) * _background(len(waveform), speaker.noise_pole, rng)
    return waveform * min(1.0, 0.98 / np.abs(waveform).max())


def _background(samples: int, pole: float, rng: np.random.Generator) -> Floats:
    """Noise of unit power through one real pole."""
    # lfilter's module takes long to import, and only this function needs it.
    from scipy.signal import lfilter

    return lfilter([np.sqrt(1.0 - pole**2)], [1.0, -pole], rng.standard_normal(samples))


def _bounded(rng: np.random.Generator, deviation: float) -> float:
    """A normal number within 2.5 standard deviations: nobody is an impossible person."""
    return float(deviation * np.clip(rng.standard_normal(), -2.5, 2.5))


def _scatter(deviations: Expression, rng: np.random.Generator) -> Expression:
    return Expression(*(_bounded(rng, getattr(deviations, field.name)) for field in fields(Expression)))


def _scale(expression: Expression, factor: float) -> Expression:
    return Expression(*(factor * getattr(expression, field.name) for field in fields(Expression)))


def _combine(*expressions: Expression) -> Expression:
    return Expression(
        *(sum(getattr(expression, field.name) for expression in expressions) for field in fields(Expression))
    )
