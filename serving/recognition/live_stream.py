"""A live stream, judged window by window with the model that judges whole utterances."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import soxr

from data_pipeline.audio.decode import SAMPLE_RATE
from serving.errors import RecognitionError
from serving.recognition.answer import EmotionAnswer
from serving.recognition.audio import Samples
from serving.recognition.emotion_recogniser import EmotionRecogniser
from serving.recognition.waveforms import to_waveform

_LEAST_SECONDS = 0.1
"""Of new audio at a stream's end that is worth a window: shorter clips are set aside in training too."""


@dataclass(frozen=True, slots=True)
class WindowAnswer:
    """What was heard in one window of a stream.

    Attributes:
        start: Seconds from the stream's start.
        end: Seconds from the stream's start.
        answer: The window's emotion, or why there is none.
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
) -> Iterator[WindowAnswer]:
    """Judge the latest seconds of a stream again and again.

    A window ends at every multiple of the hop, and where the stream ends. The first ones hold all that there is so far.
    Each is an utterance of its own to the model, so that its answer is the one that `recognise` gives for the same
    samples, whatever comes before, after, or beside it in a server's batch.

    Args:
        recogniser: A client or a model in this process. Several streams, a thread each, may share it.
        pieces: The stream's samples as they come, of any number: [samples] or [samples, channels], see `Samples`.
        rate: Their sampling rate in Hz.
        window_seconds: Length of a window.
        hop_seconds: From the end of a window to the end of the next.

    Yields:
        An answer as soon as its window is there. A window that the model cannot judge does not end the stream.

    Raises:
        RecognitionError: If nobody answers, so that other windows would fare the same.
        ValueError: If a length is not positive, or samples are not as `Samples` wants them.
    """
    if not (window_seconds > 0 and hop_seconds > 0):
        raise ValueError(f"window and hop must be positive. Received: {window_seconds} and {hop_seconds}")
    window, hop = round(window_seconds * SAMPLE_RATE), max(1, round(hop_seconds * SAMPLE_RATE))
    held, held_end, last_end = np.zeros(0, np.float32), 0, 0
    for piece in _at_16_khz(pieces, rate):
        held, held_end = np.concatenate([held, piece]), held_end + len(piece)
        while last_end + hop <= held_end:
            last_end += hop
            yield _judged(recogniser, held, held_end, last_end, window)
        held = held[max(0, len(held) - window - hop) :]
    if held_end - last_end >= _LEAST_SECONDS * SAMPLE_RATE:
        yield _judged(recogniser, held, held_end, held_end, window)


def _at_16_khz(pieces: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
    """The stream as float32 mono; a resampler goes on from piece to piece, so that their borders are not heard."""
    stream = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
    for piece in pieces:
        # Resampling is the stream's: here it is only made mono and brought to full scale.
        waveform = to_waveform(piece, SAMPLE_RATE)
        yield waveform if stream is None else stream.resample_chunk(waveform)
    if stream is not None:
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _judged(recogniser: EmotionRecogniser, held: np.ndarray, held_end: int, end: int, window: int) -> WindowAnswer:
    """The window that ends at a sample, of the held ones that end at `held_end`."""
    start = max(0, end - window)
    first = held_end - len(held)
    samples = held[start - first : end - first]
    answer: EmotionAnswer | RecognitionError
    try:
        answer = recogniser.recognise(Samples(samples, SAMPLE_RATE))
    except RecognitionError as error:
        if error.concerns_all:
            raise
        answer = error
    return WindowAnswer(start / SAMPLE_RATE, end / SAMPLE_RATE, answer)
