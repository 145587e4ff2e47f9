"""Which frames of many streams are speech.

A frame is speech where Silero is sure of it, and still is until it is quite unsure (hysteresis), unless

- it lies at the noise floor: for a second, within 3 dB of the least energy of the last three seconds, or at once,
  40 dB below the loudest frame. The network does not hear such frames, so that long noise does not wear its state out
  (and half of the work of a call is saved);
- it is the sound of a telephone's key, or near one;
- it belongs to 384 ms in which no band changes: a tone, hum, or even noise.

Input that is louder than a third of full scale is turned down first, since distorted loud music is taken for speech.
`benchmarks/speech_detector.py` measures all this. A frame is decided 11 frames (352 ms) after it was heard.
"""

from collections.abc import Sequence

import numpy as np

from data_pipeline.audio.speech.silero import FRAME, Silero
from data_pipeline.audio.speech.spectrum import BANDS, bands, is_key, power

SECONDS = FRAME / 16_000
"""Duration of a frame: 32 ms."""

_ONSET = 0.7
"""Least probability of a frame at which speech begins. With 0.5, the default of Silero's authors, one of three pieces
of hold music is taken for speech in 2 % of its frames, where it is loud and right after speech."""

_OFFSET = 0.3
"""Least probability of a frame with which speech goes on. With 0.35, the default of its authors, music 10 dB below
speech hides more of its frames; with 0.25, loud hold music right after speech is speech in 2.6 % of its frames."""

_BURST = 5
"""Number of frames in a row, 160 ms, that speech has at least: a shorter burst is a click or a note of music."""

_FLOOR_FRAMES = 94
"""Number of frames, 3 s, whose least energy is the noise floor: longer than a sentence without a pause. Energies are
averaged over `_SMOOTHED` frames first, since the least of 94 single frames of noise lies far below its mean."""

_FLOOR_REACH = 3.0
"""Decibels above the floor within which a frame is at the floor."""

_FLOOR_HOLD = 32
"""Number of frames in a row, a second, at the floor that the network still hears: weak syllables take less."""

_RANGE = 40.0
"""Decibels below the loudest frame beneath which no frame is speech: the weakest sounds of a sentence, /f/ and /θ/, lie
about 30 dB below its strongest vowel (Fletcher 1953, Speech and Hearing in Communication, table 8)."""

_LOUDEST = 0.3
"""Magnitude to which louder input is turned down."""

_RECOVERY = 0.995
"""Factor a frame by which the loudest sample is forgotten: half after 4.4 s."""

_SMOOTHED = 5
"""Number of frames, 160 ms, over which bands are averaged before they are compared: eight periods of mains hum."""

_COMPARED = 8
"""Number of such averages in a row that are compared."""

_STEADY = 3.0
"""Decibels within which every strong band stays in a sound that does not change."""

_STRONG = 20.0
"""Decibels below the strongest band within which a band is strong."""

_KEY_EDGE = 2
"""Number of frames next to a key's sound that hold its edges."""

DELAY = _SMOOTHED + _COMPARED - 2
"""Number of frames between a frame and its decision."""

_BLOCK = 16
"""Number of frames of whole waveforms that are laid out at a time: half a second of 256 streams stays in the cache."""

_SILENCE = 1e-10
"""Energy added before logarithms, far below 16 bits."""


class SpeechDetector:
    """Decides for the frames of many streams.

    The decisions of a stream depend on nothing but its own samples: not on how many frames come at a time, and not on
    the streams beside it.

    Args:
        streams: Number of streams that may be heard, numbered from 0.
    """

    def __init__(self, streams: int) -> None:
        self._silero = Silero(streams)
        self._heard = np.zeros(streams, np.int64)
        self._loudest = np.zeros(streams, np.float32)
        self._powers = np.zeros((streams, _SMOOTHED), np.float32)
        self._averages_of_power = np.full((streams, _FLOOR_FRAMES), np.inf, np.float32)
        self._strongest = np.zeros(streams, np.float32)
        self._at_floor = np.zeros(streams, np.int64)
        self._since_key = np.full(streams, _KEY_EDGE, np.int64)
        self._bands = np.zeros((streams, _SMOOTHED, BANDS), np.float32)
        self._averages = np.zeros((streams, _COMPARED, BANDS), np.float32)
        # What awaits its decision, the oldest frame first.
        self._probabilities = np.zeros((streams, DELAY + 1), np.float32)
        self._ruled_out = np.zeros((streams, DELAY + 1), bool)
        self._speaking = np.zeros(streams, bool)

    def hear(
        self, frames: np.ndarray, streams: np.ndarray | None = None, present: np.ndarray | None = None
    ) -> list[np.ndarray]:
        """Give streams their next frames.

        Args:
            frames: float32 [streams, frames, 512] at 16 kHz, full scale ±1.
            streams: int [streams], which streams they are, each once; by default all in their order.
            present: bool [streams, frames], False where a stream has ended and silence stands in place of its frames,
                which the network need not hear. By default all are there.

        Returns:
            For each of these streams, bool [decided]: the decisions that were not given before, up to the frame `DELAY`
            before its last one.
        """
        rows = np.arange(len(frames)) if streams is None else np.asarray(streams)
        decisions, ready = np.zeros((2, *frames.shape[:2]), bool)
        for place in range(frames.shape[1]):
            now = frames[:, place]
            spectra = power(now)
            active = self._rises_above_the_floor(rows, np.square(now).mean(axis=1))
            if present is not None:
                active &= present[:, place]
            self._probabilities[rows, :-1] = self._probabilities[rows, 1:]
            self._ruled_out[rows, :-1] = self._ruled_out[rows, 1:]
            self._probabilities[rows, -1] = self._listen(rows, now, active)
            self._ruled_out[rows, -1] = ~active
            self._rule_out_keys(rows, is_key(spectra))
            self._rule_out_steady_sounds(rows, bands(spectra))
            self._heard[rows] += 1
            ready[:, place] = self._heard[rows] > DELAY
            decisions[:, place] = self._decide(rows)
        return [decided[known] for decided, known in zip(decisions, ready, strict=True)]

    def forget(self, stream: int) -> None:
        """Begin anew with a stream, for the next caller."""
        fresh = SpeechDetector(1)
        self._silero.forget(stream)
        for name, values in vars(self).items():
            if isinstance(values, np.ndarray):
                values[stream] = getattr(fresh, name)[0]

    def _rises_above_the_floor(self, rows: np.ndarray, now: np.ndarray) -> np.ndarray:
        self._powers[rows, self._heard[rows] % _SMOOTHED] = now
        average = self._powers[rows].mean(axis=1)
        # The first average would be taken over frames that never were.
        average[self._heard[rows] < _SMOOTHED - 1] = np.inf
        self._averages_of_power[rows, self._heard[rows] % _FLOOR_FRAMES] = average
        floor = self._averages_of_power[rows].min(axis=1)
        self._at_floor[rows] = np.where(now <= floor * _ratio(_FLOOR_REACH), self._at_floor[rows] + 1, 0)
        self._strongest[rows] = np.maximum(now, _RECOVERY**2 * self._strongest[rows])
        within_range = now > self._strongest[rows] * _ratio(-_RANGE)
        return within_range & (self._at_floor[rows] <= _FLOOR_HOLD)

    def _listen(self, rows: np.ndarray, frames: np.ndarray, active: np.ndarray) -> np.ndarray:
        peaks = np.abs(frames).max(axis=1)
        self._loudest[rows] = loudest = np.maximum(peaks, _RECOVERY * self._loudest[rows])
        gain = _LOUDEST / np.maximum(loudest, _LOUDEST)
        return self._silero.hear(frames * gain[:, np.newaxis], rows, active)

    def _rule_out_keys(self, rows: np.ndarray, keys: np.ndarray) -> None:
        self._since_key[rows] = np.where(keys, 0, self._since_key[rows] + 1)
        self._ruled_out[rows[keys], -1 - _KEY_EDGE :] = True
        self._ruled_out[rows[self._since_key[rows] <= _KEY_EDGE], -1] = True

    def _rule_out_steady_sounds(self, rows: np.ndarray, in_bands: np.ndarray) -> None:
        self._bands[rows, :-1] = self._bands[rows, 1:]
        self._bands[rows, -1] = in_bands
        self._averages[rows, :-1] = self._averages[rows, 1:]
        self._averages[rows, -1] = 10 * np.log10(self._bands[rows].mean(axis=1) + _SILENCE)
        most, least = self._averages[rows].max(axis=1), self._averages[rows].min(axis=1)
        strong = most > most.max(axis=1, keepdims=True) - _STRONG
        steady = ((most - least < _STEADY) | ~strong).all(axis=1) & (self._heard[rows] >= DELAY)
        self._ruled_out[rows[steady]] = True

    def _decide(self, rows: np.ndarray) -> np.ndarray:
        """The decision for the oldest frame. Before there is one, nobody speaks."""
        likely = (self._probabilities[rows, :_BURST] > _OFFSET) & ~self._ruled_out[rows, :_BURST]
        begins = (self._probabilities[rows, 0] > _ONSET) & likely.all(axis=1)
        self._speaking[rows] = np.where(self._speaking[rows], likely[:, 0], begins)
        return self._speaking[rows]


def _ratio(decibels: float) -> float:
    return 10 ** (decibels / 10)


def speech_frames(waveforms: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Which frames of whole waveforms are speech: what a stream of each would give.

    Args:
        waveforms: Each float32 [samples] at 16 kHz, full scale ±1; waveforms of similar lengths take the least time.

    Returns:
        For each, bool [frames] of 32 ms; the last frame is filled up with silence.
    """
    counts = np.array([-(-len(waveform) // FRAME) for waveform in waveforms], np.int64)
    detector, decisions = SpeechDetector(len(waveforms)), []
    total = int(counts.max(initial=0)) + DELAY
    for first in range(0, total, _BLOCK):
        frames = np.zeros((len(waveforms), min(_BLOCK, total - first), FRAME), np.float32)
        for row, waveform in zip(frames, waveforms, strict=True):
            piece = waveform[first * FRAME : (first + len(row)) * FRAME]
            row.reshape(-1)[: len(piece)] = piece
        present = np.arange(first, first + frames.shape[1]) < counts[:, np.newaxis]
        decisions.append(detector.hear(frames, present=present))
    return [np.concatenate(parts)[:count] for parts, count in zip(zip(*decisions, strict=True), counts, strict=True)]


class SpeechStream:
    """One live stream, in pieces of any size.

    Args:
        detector: The detector; by default one of its own. Streams that share one are heard faster together, with
            `hear_together`.
        number: Number of the stream in the detector.
    """

    def __init__(self, detector: SpeechDetector | None = None, number: int = 0) -> None:
        self._detector = detector or SpeechDetector(1)
        self.number = number
        self._samples = np.zeros(0, np.float32)
        self._frames = 0

    def hear(self, piece: np.ndarray) -> np.ndarray:
        """Take the next samples.

        Args:
            piece: float32 [samples] at 16 kHz.

        Returns:
            bool [frames], the decisions that can be given now.
        """
        return hear_together([(self, piece)])[0]

    def finish(self) -> np.ndarray:
        """The decisions that are left, after the last sample: bool [frames]."""
        left = len(self._samples)
        filled = np.concatenate([self._samples, np.zeros(-left % FRAME + DELAY * FRAME, np.float32)])
        frames = filled.reshape(1, -1, FRAME)
        present = np.arange(frames.shape[1])[np.newaxis] < -(-left // FRAME)
        total = self._frames + -(-left // FRAME)
        decided = self._detector.hear(frames, np.array([self.number]), present)[0]
        self._samples = np.zeros(0, np.float32)
        given = max(0, self._frames - DELAY)
        return decided[: total - given]

    def take(self, piece: np.ndarray) -> np.ndarray:
        """Keep the next samples, and give the frames that are whole: float32 [frames, 512]."""
        self._samples = np.concatenate([self._samples, piece.astype(np.float32)])
        count = len(self._samples) // FRAME
        frames, self._samples = np.split(self._samples, [count * FRAME])
        self._frames += count
        return frames.reshape(count, FRAME)


def hear_together(pieces: Sequence[tuple[SpeechStream, np.ndarray]]) -> list[np.ndarray]:
    """Take the next samples of several streams of one detector, frame by frame in one batch.

    Args:
        pieces: Streams, each once, with float32 [samples] at 16 kHz.

    Returns:
        For each, bool [frames], the decisions that can be given now.
    """
    taken = [stream.take(piece) for stream, piece in pieces]
    decided: list[list[np.ndarray]] = [[] for _ in pieces]
    for place in range(max(map(len, taken), default=0)):
        some = [index for index, frames in enumerate(taken) if place < len(frames)]
        together = np.stack([taken[index][place] for index in some])[:, np.newaxis]
        numbers = np.array([pieces[index][0].number for index in some])
        for index, now in zip(some, pieces[0][0]._detector.hear(together, numbers), strict=True):
            decided[index].append(now)
    return [np.concatenate(parts) if parts else np.zeros(0, bool) for parts in decided]
