"""Synthetic speakers, and one utterance of a speaker in an emotion."""

from dataclasses import dataclass

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.emotion import Emotion
from data_pipeline.speech_synthesis.articulation import SENTENCES, Gesture, articulate, frames_of, phones_of
from data_pipeline.speech_synthesis.expression import (
    EXPRESSIONS,
    HABIT,
    MOMENT,
    MOMENT_STRENGTH,
    Expression,
    bounded,
    combine,
    scale,
    scatter,
)
from data_pipeline.speech_synthesis.voice import HOP, Floats, Glottis, Tracks, speak


@dataclass(frozen=True, slots=True)
class Speaker:
    """A synthetic speaker and the room where the speaker was recorded.

    Attributes:
        sex: `female` or `male`.
        f0: Mean fundamental frequency of neutral speech in Hz.
        tract: Factor on the formants of an average man.
        rate: Factor on the speed of unhurried speech.
        open_quotient: Open quotient of neutral voicing.
        tilt_db: Attenuation of neutral voicing at 3 kHz in dB.
        jitter: Jitter of neutral voicing, as a share of the period.
        shimmer_db: Shimmer of neutral voicing in dB.
        breath_db: Aspiration in vowels relative to the amplitude of the voicing, in dB.
        level_db: Level of neutral speech in dB of full scale, RMS while speaking.
        noise_db: Level of the background noise in dB of full scale, RMS.
        noise_pole: Colour of the background noise: 0 is white, values towards 1 are low rumbling.
        habits: Departures of this speaker from the common expression of each emotion.
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
    """Draw a speaker.

    Mean F0 (about 120 and 210 Hz) and the ratio of the formants (about 1.17) are those of adults in Peterson & Barney
    (1952) and Titze (Physiologic and acoustic differences between male and female voices, JASA 85, 1989).

    Args:
        sex: `female` or `male`.
        rng: Draws everything else.
    """
    female = sex == "female"
    return Speaker(
        sex=sex,
        f0=(205.0 if female else 115.0) * np.exp(bounded(rng, 0.11)),
        tract=(1.17 if female else 1.0) * np.exp(bounded(rng, 0.035)),
        rate=np.exp(bounded(rng, 0.08)),
        open_quotient=(0.63 if female else 0.57) + bounded(rng, 0.04),
        tilt_db=(2.0 if female else 0.0) + bounded(rng, 2.0),
        jitter=0.008 * np.exp(bounded(rng, 0.3)),
        shimmer_db=0.35 * np.exp(bounded(rng, 0.3)),
        breath_db=(-27.0 if female else -30.0) + bounded(rng, 2.0),
        level_db=-30.0 + bounded(rng, 2.0),
        noise_db=-62.0 + bounded(rng, 4.0),
        noise_pole=rng.uniform(0.0, 0.95),
        habits={emotion: scatter(HABIT, rng) for emotion in Emotion},
    )


def say(sentence: str, speaker: Speaker, emotion: Emotion, intensity: float, rng: np.random.Generator) -> Floats:
    """Speak and record one utterance.

    Args:
        sentence: A key of `SENTENCES`.
        speaker: The speaker.
        emotion: The emotion that the speaker acts.
        intensity: Share of the emotion's expression, as in `INTENSITIES`.
        rng: Draws what differs from utterance to utterance.

    Returns:
        Waveform [samples] at 16 kHz within ±1, of 1 to 3 s.
    """
    strength = intensity * max(0.2, 1.0 + bounded(rng, MOMENT_STRENGTH))
    # Neutral speech is no departure, but a speaker's neutral speech differs between sessions, too.
    manner = combine(scale(EXPRESSIONS[emotion], strength), speaker.habits[emotion], scatter(MOMENT, rng))
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
    # F0 of unhurried neutral speech falls by about two semitones and rises by about three on an accent.
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
    """Set the level, add silence at both ends and background noise, and lower the gain where samples would clip."""
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
