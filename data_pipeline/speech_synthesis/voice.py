"""A source-filter voice: glottal pulses and noise through formant resonators, driven by control tracks.

The source-filter theory is Fant's (Acoustic Theory of Speech Production, 1960). The division into voicing, aspiration
and frication and the cascade of resonators are Klatt's (Software for a cascade/parallel formant synthesizer, JASA 67,
1980). Control tracks have a value every 10 ms. The filters that vary with them are applied frame by frame in the
frequency domain and overlap-added, so that a second of speech takes milliseconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft, rfftfreq

from data_pipeline.audio.decode import SAMPLE_RATE

HOP = 160
"""Number of samples between two values of a control track: 10 ms."""

FORMANTS = 8
"""Number of resonances below the Nyquist frequency: an adult's vocal tract has about one per 1,000 Hz (Fant 1960)."""

_HOPS = 5
"""Number of hops in a filtered frame: two of signal, three of ringing (60 Hz of bandwidth decay by 49 dB in 30 ms)."""

_FFT = _HOPS * HOP

_TILT_CORNER = 500.0
"""Frequency in Hz above which vocal effort changes the spectrum of the source: above the first harmonics."""

_TILT_REFERENCE = 3_000.0
"""Frequency in Hz at which Klatt (1980) states the tilt of the voicing source (his parameter TL)."""

_PULSE_POWER = 10.0
"""Mean square of the flow's derivative per cycle at an open quotient of 0.6. With it, an amplitude of 1 means the same
for pulses and for noise."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Glottis:
    """How the vocal folds vibrate throughout an utterance.

    Attributes:
        open_quotient: Share of the period for which the glottis is open, in (0, 1): small for a pressed voice, large
            for a lax one.
        tilt_db: Attenuation of the voicing at 3 kHz in dB; negative for a brighter voice.
        jitter: Standard deviation of the period from cycle to cycle, as a share of the period.
        shimmer_db: Standard deviation of the amplitude from cycle to cycle, in dB.
    """

    open_quotient: float = 0.6
    tilt_db: float = 0.0
    jitter: float = 0.01
    shimmer_db: float = 0.3


@dataclass(frozen=True, slots=True)
class Tracks:
    """Control tracks of the voice, one row every 10 ms.

    Attributes:
        f0: Fundamental frequency in Hz [frames], also where nothing is voiced.
        formants: Frequencies of the formants in Hz [frames, FORMANTS]; those from the Nyquist frequency on are left
            out.
        bandwidths: Bandwidths of the formants in Hz [frames, FORMANTS].
        voicing: Amplitude of the glottal pulses [frames].
        aspiration: Amplitude of the noise made at the glottis [frames].
        frication: Amplitude of the noise made in the mouth [frames].
        frication_hz: Frequency of the peak of that noise in Hz [frames].
        frication_bandwidth: Bandwidth of that peak in Hz [frames].
    """

    f0: Floats
    formants: Floats
    bandwidths: Floats
    voicing: Floats
    aspiration: Floats
    frication: Floats
    frication_hz: Floats
    frication_bandwidth: Floats


def speak(tracks: Tracks, glottis: Glottis, rng: np.random.Generator) -> Floats:
    """Synthesise the waveform that follows control tracks.

    Args:
        tracks: The control tracks.
        glottis: How the vocal folds vibrate.
        rng: Draws the noises and the irregularities of the folds.

    Returns:
        Sound pressure [frames * HOP] at 16 kHz, of an arbitrary level.
    """
    samples = len(tracks.f0) * HOP
    f0, voicing, aspiration, frication = (
        _per_sample(track) for track in (tracks.f0, tracks.voicing, tracks.aspiration, tracks.frication)
    )
    flow = glottal_flow(f0, glottis, rng)
    # Radiation from the lips differentiates the flow. The difference of a sampled flow is the mean of the derivative
    # over each sample, which softens the aliasing of its jumps.
    pulses = np.diff(flow, prepend=0.0) * (SAMPLE_RATE / f0) / _PULSE_POWER**0.5
    # The open glottis lets more air pass, so breath noise comes in pulses while the folds vibrate.
    breath = rng.standard_normal(samples) * (1.0 + np.minimum(voicing, 1.0) * (flow - 0.5))
    friction = rng.standard_normal(samples)
    tract = tract_response(tracks.formants, tracks.bandwidths)
    mouth = frication_response(tracks.frication_hz, tracks.frication_bandwidth)
    spectrum = tract * (
        tilt_response(glottis.tilt_db) * _short_time_spectra(pulses * voicing)
        + _short_time_spectra(breath * aspiration)
    ) + mouth * _short_time_spectra(friction * frication)
    return _overlap_add(spectrum)


def glottal_flow(f0: Floats, glottis: Glottis, rng: np.random.Generator) -> Floats:
    """Volume velocity through the vibrating vocal folds: a raised cosine opening and a cosine closing.

    The pulse is type C of Rosenberg (Effect of glottal pulse shape on the quality of natural vowels, JASA 49, 1971).
    His listeners preferred an opening of 40 % and a closing of 16 % of the period; that ratio is kept here.

    Args:
        f0: Fundamental frequency in Hz at every sample [samples], positive.
        glottis: Open quotient, jitter and shimmer.
        rng: Draws a deviation of period and amplitude for every cycle.

    Returns:
        Flow [samples] at 16 kHz, 1 at the peak of a cycle without shimmer, 0 while closed.
    """
    step = f0 / SAMPLE_RATE
    cycle = np.floor(np.cumsum(step)).astype(np.int64)
    deviations = rng.standard_normal(cycle[-1] + 1)
    # At most three standard deviations, so that a period never becomes negative.
    phase = np.cumsum(step * np.maximum(1.0 + glottis.jitter * np.clip(deviations, -3.0, 3.0)[cycle], 0.1))
    cycle = np.floor(phase).astype(np.int64)
    within = phase - cycle
    opening = glottis.open_quotient * 0.4 / 0.56
    closing = glottis.open_quotient - opening
    rising = 0.5 * (1.0 - np.cos(np.pi * within / opening))
    falling = np.cos(0.5 * np.pi * (within - opening) / closing)
    flow = np.where(within < opening, rising, np.where(within < glottis.open_quotient, falling, 0.0))
    shimmer = glottis.shimmer_db * np.clip(rng.standard_normal(cycle[-1] + 1), -3.0, 3.0)
    return flow * 10.0 ** (shimmer / 20.0)[cycle]


def tract_response(formants: Floats, bandwidths: Floats) -> NDArray[np.complex128]:
    """Frequency response of Klatt's resonators (1980) in cascade, each with unit gain at 0 Hz.

    Args:
        formants: Frequencies in Hz [frames, formants]; those at or above 8 kHz are left out.
        bandwidths: Bandwidths in Hz [frames, formants], positive.

    Returns:
        Complex response [frames, bins], bins from 0 to 8 kHz.
    """
    radius = np.where(formants < SAMPLE_RATE / 2, np.exp(-np.pi * bandwidths / SAMPLE_RATE), 0.0)
    b = 2.0 * radius * np.cos(2.0 * np.pi * formants / SAMPLE_RATE)
    c = -(radius**2)
    # The product of the denominators 1 - B z^-1 - C z^-2 is one polynomial, so that each frame needs one transform.
    polynomial = np.zeros((len(formants), 2 * formants.shape[1] + 1))
    polynomial[:, 0] = 1.0
    for k in range(formants.shape[1]):
        product = polynomial.copy()
        product[:, 1:] -= b[:, k, None] * polynomial[:, :-1]
        product[:, 2:] -= c[:, k, None] * polynomial[:, :-2]
        polynomial = product
    gain = np.prod(1.0 - b - c, axis=1)
    return gain[:, None] / rfft(polynomial, _FFT)


def frication_response(centre: Floats, bandwidth: Floats) -> NDArray[np.complex128]:
    """Frequency response of one resonator that keeps the power of white noise.

    Args:
        centre: Centre frequency in Hz [frames].
        bandwidth: Bandwidth in Hz [frames].

    Returns:
        Complex response [frames, bins], bins from 0 to 8 kHz.
    """
    response = tract_response(centre[:, None], bandwidth[:, None])
    return response / np.sqrt(np.mean(np.abs(response) ** 2, axis=1, keepdims=True))


def tilt_response(tilt_db: float) -> Floats:
    """Gain of a smooth low-pass filter of fractional order: flat below 500 Hz, `tilt_db` down at 3 kHz.

    Args:
        tilt_db: Attenuation at 3 kHz in dB; negative brightens.

    Returns:
        Gain [bins], bins from 0 to 8 kHz.
    """
    frequency = rfftfreq(_FFT, 1.0 / SAMPLE_RATE)
    octaves = np.log(1.0 + (frequency / _TILT_CORNER) ** 2) / np.log(1.0 + (_TILT_REFERENCE / _TILT_CORNER) ** 2)
    return 10.0 ** (-tilt_db * octaves / 20.0)


def _per_sample(track: Floats) -> Floats:
    """Interpolate a control track [frames] linearly to [frames * HOP]."""
    frames = len(track)
    return np.interp(np.arange(frames * HOP) / HOP, np.arange(frames), track)


def _short_time_spectra(signal: Floats) -> NDArray[np.complex128]:
    """Spectra [frames, bins] of Hann frames centred on the tracks' frames; the windows sum to one."""
    padded = np.pad(signal, HOP)
    window = 0.5 * (1.0 - np.cos(np.pi * np.arange(2 * HOP) / HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * HOP)[: len(signal) : HOP]
    return rfft(frames * window, _FFT)


def _overlap_add(spectra: NDArray[np.complex128]) -> Floats:
    """The signal [frames * HOP] of filtered frames with these spectra; ringing after its end is cut off."""
    frames = len(spectra)
    pieces = irfft(spectra, _FFT).reshape(frames, _HOPS, HOP)
    signal = np.zeros((frames + _HOPS, HOP))
    for k in range(_HOPS):
        signal[k : k + frames] += pieces[:, k]
    return signal.reshape(-1)[HOP : (frames + 1) * HOP]
