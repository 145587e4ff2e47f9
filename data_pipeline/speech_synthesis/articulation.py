"""Phones and sentences: what the synthetic voice says, as targets of its speech organs.

The words do not matter to the recogniser, but the syllables, pauses and spectral variety that they bring do.
"""

from dataclasses import dataclass, replace

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.speech_synthesis.voice import FORMANTS, HOP, Floats


@dataclass(frozen=True, slots=True)
class Phone:
    """One speech sound.

    Attributes:
        f1: Frequency of a man's first formant in Hz.
        f2: Frequency of the second formant.
        f3: Frequency of the third formant.
        milliseconds: Duration in unhurried speech.
        voicing: Amplitude of the glottal pulses relative to that of a vowel.
        aspiration: Amplitude of noise from the glottis.
        frication: Amplitude of noise from the mouth.
        noise_hz: Frequency of the peak of that noise in Hz.
        noise_bandwidth: Bandwidth of that peak in Hz.
        stressed: Whether the phone is the nucleus of an accented syllable.
    """

    f1: float
    f2: float
    f3: float
    milliseconds: float
    voicing: float = 0.0
    aspiration: float = 0.0
    frication: float = 0.0
    noise_hz: float = 4_000.0
    noise_bandwidth: float = 2_000.0
    stressed: bool = False


def _vowel(f1: float, f2: float, f3: float, milliseconds: float = 85.0) -> tuple[Phone, ...]:
    return (Phone(f1, f2, f3, milliseconds, voicing=1.0),)


def _sonorant(f1: float, f2: float, f3: float, voicing: float) -> tuple[Phone, ...]:
    return (Phone(f1, f2, f3, 60.0, voicing=voicing),)


def _fricative(
    f2: float, peak: float, bandwidth: float, noise: float, voicing: float = 0.0, milliseconds: float = 90.0
) -> tuple[Phone, ...]:
    return (
        Phone(
            320.0,
            f2,
            2_500.0,
            milliseconds,
            voicing,
            frication=noise,
            noise_hz=peak,
            noise_bandwidth=bandwidth,
        ),
    )


def _stop(f2: float, peak: float, bandwidth: float, voiced: bool) -> tuple[Phone, ...]:
    """Closure, burst and, for a voiceless stop, the aspiration before the folds vibrate again."""
    place = Phone(250.0, f2, 2_500.0, 0.0, noise_hz=peak, noise_bandwidth=bandwidth)
    if voiced:
        return (
            replace(place, milliseconds=50.0, voicing=0.12),
            replace(place, milliseconds=12.0, voicing=0.3, frication=0.4),
        )
    return (
        replace(place, milliseconds=60.0),
        replace(place, milliseconds=18.0, frication=0.6),
        replace(place, milliseconds=28.0, aspiration=0.3),
    )


# Vowels: means of men in Peterson & Barney (Control methods used in a study of the vowels, JASA 24, 1952), table II.
# Consonants: formants rounded from Klatt (1980), table III; this project chose the peaks of the noise after the
# measurements in Stevens, Acoustic Phonetics (1998). The names are those of ARPAbet.
PHONES: dict[str, tuple[Phone, ...]] = {
    "IY": _vowel(270, 2_290, 3_010),
    "IH": _vowel(390, 1_990, 2_550, 70.0),
    "EH": _vowel(530, 1_840, 2_480),
    "AE": _vowel(660, 1_720, 2_410, 110.0),
    "AA": _vowel(730, 1_090, 2_440, 110.0),
    "AO": _vowel(570, 840, 2_410, 110.0),
    "UH": _vowel(440, 1_020, 2_240, 70.0),
    "UW": _vowel(300, 870, 2_240),
    "AH": _vowel(640, 1_190, 2_390, 60.0),
    "ER": _vowel(490, 1_350, 1_690, 95.0),
    "W": _sonorant(290, 610, 2_150, 0.6),
    "Y": _sonorant(260, 2_070, 3_020, 0.6),
    "R": _sonorant(310, 1_060, 1_380, 0.6),
    "L": _sonorant(310, 1_050, 2_880, 0.6),
    "M": _sonorant(270, 1_270, 2_130, 0.35),
    "N": _sonorant(270, 1_540, 2_470, 0.35),
    "NG": _sonorant(270, 2_000, 2_500, 0.35),
    "S": _fricative(1_390, 5_800, 1_800, 0.6),
    "Z": _fricative(1_390, 5_600, 1_800, 0.25, voicing=0.25, milliseconds=70.0),
    "SH": _fricative(1_840, 3_000, 1_200, 0.6),
    "F": _fricative(1_100, 6_500, 5_000, 0.2),
    "V": _fricative(1_100, 6_500, 5_000, 0.08, voicing=0.3, milliseconds=55.0),
    "DH": _fricative(1_290, 6_000, 4_000, 0.06, voicing=0.35, milliseconds=45.0),
    "HH": (Phone(500.0, 1_500.0, 2_500.0, 60.0, aspiration=0.3),),
    "P": _stop(1_100, 900, 1_500, voiced=False),
    "T": _stop(1_600, 4_200, 2_000, voiced=False),
    "K": _stop(1_990, 1_900, 900, voiced=False),
    "B": _stop(1_100, 800, 1_500, voiced=True),
    "D": _stop(1_600, 4_000, 2_000, voiced=True),
    "G": _stop(1_990, 1_800, 900, voiced=True),
}

# A slash ends a word, after which a speaker may pause. A 1 marks an accented vowel, as in ARPAbet.
SENTENCES: dict[str, str] = {
    "AWK": "AH / W AO1 K / IH N / DH AH / P AA1 R K",
    "BLU": "W IY / S AO1 / DH AH / D IY1 P / B L UW1 / S IY1",
    "BOK": "B AA1 B / G AA1 T / DH AH / G UH1 D / B UH1 K",
    "FSH": "SH IY / P UH T / DH AH / F IH1 SH / IH N / DH AH / P AE1 N",
    "HOT": "DH AH / S UW1 P / IH Z / V EH1 R IY / HH AA1 T",
    "LET": "HH ER / L EH1 T ER / IH Z / S T IH1 L / HH IH1 R",
    "MON": "M AH1 N IY / IH Z / AA1 N / DH AH / D EH1 S K",
    "RUN": "L EH1 T / AH S / R AH1 N / AH L AO1 NG / T UH / Y ER / HH AE1 T",
}

_HIGHER_FORMANTS = (3_300.0, 3_750.0, 4_900.0, 5_900.0, 6_900.0)
"""Formants F4 to F8 of a man in Hz, the same for all phones: F4 to F6 as in Klatt (1980), then 1,000 Hz apart."""

_BANDWIDTHS = (60.0, 90.0, 150.0, 200.0, 200.0, 500.0, 600.0, 700.0)
"""Bandwidths in Hz. The first three are those of a vowel in Klatt (1980); the others are so wide that none whistles."""

_SCHWA = (500.0, 1_500.0, 2_500.0)
"""Formants in Hz of a neutral tube of 17.5 cm (Fant 1960), towards which slack articulation drifts."""


@dataclass(frozen=True, slots=True)
class Gesture:
    """The movement of the speech organs through one utterance, one row every 10 ms.

    Attributes:
        formants: Frequencies of the formants in Hz [frames, FORMANTS].
        bandwidths: Bandwidths of the formants in Hz [frames, FORMANTS].
        voicing: Amplitude of the glottal pulses [frames].
        aspiration: Amplitude of noise from the glottis [frames].
        frication: Amplitude of noise from the mouth [frames].
        frication_hz: Frequency of the peak of that noise in Hz [frames].
        frication_bandwidth: Bandwidth of that peak in Hz [frames].
        accents: Prominence of the accented syllables, 0 to about 1 [frames].
        speaking: 1 where something sounds, 0 in pauses and before and after speech [frames].
    """

    formants: Floats
    bandwidths: Floats
    voicing: Floats
    aspiration: Floats
    frication: Floats
    frication_hz: Floats
    frication_bandwidth: Floats
    accents: Floats
    speaking: Floats


def phones_of(sentence: str, pauses: dict[int, float] | None = None) -> list[Phone]:
    """The phones of a sentence.

    Args:
        sentence: Phones separated by blanks, as in `SENTENCES`.
        pauses: Milliseconds of silence after words, by the index of the word.

    Returns:
        The phones in order, with silences in between.
    """
    pauses = pauses or {}
    phones = [silence(40.0)]
    for index, word in enumerate(sentence.split("/")):
        for symbol in word.split():
            stressed = symbol.endswith("1")
            for phone in PHONES[symbol.rstrip("1")]:
                # Stress lengthens (Klatt, Linguistic uses of segmental duration in English, JASA 59, 1976).
                phones.append(
                    replace(phone, stressed=True, milliseconds=1.5 * phone.milliseconds) if stressed else phone
                )
        if index in pauses:
            phones.append(silence(pauses[index]))
    return [*phones, silence(60.0)]


def silence(milliseconds: float) -> Phone:
    """A pause with the tract at rest."""
    return Phone(*_SCHWA, milliseconds)


def articulate(phones: list[Phone], *, tract: float, effort: float, frames: int) -> Gesture:
    """Move through the targets of the phones. The organs take time to move, so the targets blend into each other.

    Args:
        phones: What to say; durations count only relative to each other.
        tract: Factor on all formants: 1 for an average man, about 1.17 for a woman, whose vocal tract is shorter.
        effort: Precision of articulation: 1 reaches the targets, 0 stays at schwa.
        frames: Duration in frames of 10 ms.

    Returns:
        Tracks of exactly `frames` rows.
    """
    durations = np.array([phone.milliseconds for phone in phones])
    ends = np.cumsum(durations) * (frames / durations.sum())
    which = np.minimum(np.searchsorted(ends, np.arange(frames) + 0.5), len(phones) - 1)

    def track(name: str, blur: int) -> Floats:
        return _smooth(np.array([getattr(phone, name) for phone in phones], dtype=np.float64)[which], blur)

    lower = np.stack([track(name, 7) for name in ("f1", "f2", "f3")], axis=1)
    lower = np.asarray(_SCHWA) + effort * (lower - np.asarray(_SCHWA))
    higher = np.broadcast_to(_HIGHER_FORMANTS, (frames, FORMANTS - 3))
    voicing, aspiration, frication = (track(name, 5) for name in ("voicing", "aspiration", "frication"))
    sounding = np.array([phone.voicing + phone.aspiration + phone.frication > 0.0 for phone in phones])
    return Gesture(
        formants=tract * np.concatenate([lower, higher], axis=1),
        bandwidths=np.broadcast_to(_BANDWIDTHS, (frames, FORMANTS)),
        voicing=voicing,
        aspiration=aspiration,
        frication=frication,
        frication_hz=np.minimum(track("noise_hz", 3) * (1.0 + 0.5 * (tract - 1.0)), 0.45 * SAMPLE_RATE),
        frication_bandwidth=track("noise_bandwidth", 3),
        # An accent spreads over its syllable, about 250 ms.
        accents=_smooth(np.array([float(phone.stressed) for phone in phones])[which], 25) * 2.0,
        speaking=sounding[which].astype(np.float64),
    )


def frames_of(phones: list[Phone], rate: float) -> int:
    """Number of frames of 10 ms that the phones take at `rate` times the speed of unhurried speech."""
    return max(1, round(sum(phone.milliseconds for phone in phones) / rate / (1_000.0 * HOP / SAMPLE_RATE)))


def _smooth(track: Floats, width: int) -> Floats:
    """Moving average with a raised cosine of `width` frames; the values at the ends are repeated."""
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(track, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, window / window.sum(), mode="valid")
