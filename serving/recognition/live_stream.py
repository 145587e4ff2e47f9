"""Recognise emotions in a live stream, window by window, with the model for whole utterances."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE, UnusableAudio
from data_pipeline.audio.one_track import DifferentChannels, TrackChooser
from data_pipeline.audio.resample import Resampler
from data_pipeline.audio.samples import Samples, checked_rate, piece_of_stream
from data_pipeline.audio.track import Track
from serving.errors import RecognitionError, UnreadableAudioError
from serving.recognition.answer import EmotionAnswer
from serving.recognition.emotion_recogniser import EmotionRecogniser

_MIN_SECONDS = 0.1
"""Minimum number of seconds of new audio at the end of a stream that get a window. Training sets shorter clips aside,
too."""


@dataclass(frozen=True, slots=True)
class WindowAnswer:
    """The answer for one window of a stream.

    Attributes:
        start: Start of the window, in seconds from the start of the stream.
        end: End of the window, in seconds from the start of the stream.
        answer: The window's answer, or the reason why it has none.
    """

    start: float
    end: float
    answer: EmotionAnswer | RecognitionError


def recognise_stream(
    recogniser: EmotionRecogniser,
    pieces: Iterable[np.ndarray],
    rate: int,
    *,
    window_seconds: float = 3.0,
    hop_seconds: float = 1.0,
    track: Track | None = None,
) -> Iterator[WindowAnswer]:
    """Recognise the emotion in the latest seconds of a stream, again and again.

    A window ends at every multiple of the hop, and at the end of the stream. The first windows contain all samples
    received so far. The model receives each window as a separate utterance, so its answer is the one that `recognise`
    gives for the same samples, whatever comes before or after it, or shares its batch on a server.

    Args:
        recogniser: A client or a model in this process. Several streams may share it, each in its own thread.
        pieces: The stream's samples as they arrive, any number at a time: [samples] or [samples, channels], int16 or
            floats with full scale ±1.
        rate: Sampling rate in Hz.
        window_seconds: Length of a window in seconds.
        hop_seconds: Seconds from the end of a window to the end of the next window.
        track: The channel to take from several, or None to take channels that are the same.

    Yields:
        An answer as soon as its window is complete. A window that cannot be judged, such as one without speech, does
        not end the stream.

    Raises:
        RecognitionError: If the server is not available, so that no other window would be answered either.
        UnreadableAudioError: If samples or the rate have a form or scale that cannot be right, or channels differ and
            none is chosen.
        ValueError: If a length is not positive.
    """
    if not (window_seconds > 0 and hop_seconds > 0):
        raise ValueError(f"window and hop must be positive. Received: {window_seconds} and {hop_seconds}")
    window, hop = round(window_seconds * SAMPLE_RATE), max(1, round(hop_seconds * SAMPLE_RATE))
    buffer, received, last_end = np.zeros(0, np.float32), 0, 0
    for piece in _at_16_khz(pieces, rate, track):
        buffer, received = np.concatenate([buffer, piece]), received + len(piece)
        while last_end + hop <= received:
            last_end += hop
            yield _recognise_window(recogniser, buffer, received, last_end, window)
        buffer = buffer[max(0, len(buffer) - window - hop) :]
    if received - last_end >= _MIN_SECONDS * SAMPLE_RATE:
        yield _recognise_window(recogniser, buffer, received, received, window)


def _at_16_khz(pieces: Iterable[np.ndarray], rate: int, track: Track | None) -> Iterator[np.ndarray]:
    """The stream as mono float32. One resampler processes all pieces, so there are no artefacts at their borders."""
    try:
        resampler, chooser = Resampler(checked_rate(rate)), TrackChooser(track)
        for piece in pieces:
            waveform = chooser.mono(piece_of_stream(piece))
            chooser.check()
            yield resampler.add(waveform)
        yield resampler.finish()
    except (UnusableAudio, DifferentChannels) as error:
        raise UnreadableAudioError(f"the stream {getattr(error, 'reason', error)}") from error


def _recognise_window(
    recogniser: EmotionRecogniser, buffer: np.ndarray, received: int, end: int, window: int
) -> WindowAnswer:
    """Recognise the window that ends at sample `end`. The buffer ends at sample `received` of the stream."""
    start = max(0, end - window)
    first = received - len(buffer)
    samples = buffer[start - first : end - first]
    answer: EmotionAnswer | RecognitionError
    try:
        answer = recogniser.recognise(Samples(samples, SAMPLE_RATE))
    except RecognitionError as error:
        if error.concerns_all:
            raise
        answer = error
    return WindowAnswer(start / SAMPLE_RATE, end / SAMPLE_RATE, answer)
