"""Sounds of a telephone line that are not speech. Each takes seconds and gives float64 [samples] at 16 kHz."""

from collections.abc import Callable

import numpy as np

RATE = 16_000

KEYS = ((697, 1_209), (770, 1_336), (852, 1_477), (941, 1_336), (697, 1_477), (770, 1_209))
"""Tones in Hz of the keys 1, 5, 9, 0, 3 and 4 (ITU-T Q.23)."""


def moments(seconds: float) -> np.ndarray:
    """The time of each sample in seconds: float64 [samples]."""
    return np.arange(round(seconds * RATE)) / RATE


def tones(*hertz: float, on: float = 1.0, off: float = 0.0) -> Callable[[float], np.ndarray]:
    """Tones together, for `on` seconds, with pauses of `off` seconds."""

    def sound(seconds: float) -> np.ndarray:
        time = moments(seconds)
        return np.sin(2 * np.pi * np.outer(hertz, time)).sum(axis=0) * (time % (on + off) < on)

    return sound


def dialling(seconds: float) -> np.ndarray:
    """Keys, 100 ms each with pauses of 100 ms."""
    time = moments(seconds)
    low, high = np.array(KEYS)[(time / 0.2).astype(int) % len(KEYS)].T
    return (np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time)) * (time % 0.2 < 0.1)


def hum(hertz: float) -> Callable[[float], np.ndarray]:
    """Mains hum with its harmonics, so that a telephone passes some of it."""

    def sound(seconds: float) -> np.ndarray:
        time = moments(seconds)
        order = np.arange(1, 20)[:, np.newaxis]
        return (np.sin(2 * np.pi * hertz * order * time + order) / order).sum(axis=0)

    return sound


def noise(slope: float = 0.0, corner: float = 0.0) -> Callable[[float], np.ndarray]:
    """Noise whose power falls with frequency to the power `slope`, or from a corner in Hz on."""

    def sound(seconds: float) -> np.ndarray:
        samples = round(seconds * RATE)
        spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=samples))
        hertz = np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 20.0)
        gain = hertz ** (-slope / 2) if not corner else 1 / np.sqrt(1 + (hertz / corner) ** 2)
        return np.fft.irfft(spectrum * gain, samples)

    return sound


UNCHANGING: dict[str, Callable[[float], np.ndarray]] = {
    "dialling": dialling,
    "ringback": tones(440, 480, on=2.0, off=4.0),
    "busy": tones(480, 620, on=0.5, off=0.5),
    "busy, 425 Hz": tones(425, on=0.5, off=0.5),
    "dial": tones(350, 440),
    "dial, 425 Hz": tones(425),
    "fax answering": tones(2_100),
    "hum of 50 Hz": hum(50),
    "hum of 60 Hz": hum(60),
    "white noise": noise(),
    "pink noise": noise(slope=1.0),
    "comfort noise": noise(corner=800.0),
}
"""The signals of E.180 and of fax machines (T.30), mains hum, and noise."""
