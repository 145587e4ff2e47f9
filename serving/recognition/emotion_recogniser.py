"""Asking for emotions, whoever answers: a server over gRPC or a SavedModel in this process."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import islice

import numpy as np

from serving.errors import RecognitionError
from serving.recognition.answer import EmotionAnswer, read_answers
from serving.recognition.audio import Audio, read_waveform, waveform_or_reason
from serving.recognition.waveforms import padded_batch
from serving.recognition.window import READ_AT_A_TIME, Window, is_full


class EmotionRecogniser(ABC):
    """Takes audio, gives typed answers.

    Attributes:
        labels: Emotions in the order of the model's outputs.
        batch_size: Rows that a batch has at most.
        concurrency: Batches that are asked about at a time.
    """

    labels: tuple[str, ...]
    batch_size: int
    concurrency: int

    @abstractmethod
    def ask(self, waveform: np.ndarray, num_samples: np.ndarray) -> tuple[Mapping[str, np.ndarray], int]:
        """Run the model's `serving_default` signature on one batch.

        Args:
            waveform: float32 [batch, samples], 16 kHz, full scale ±1.
            num_samples: int32 [batch]; what follows in a row is padding.

        Returns:
            The outputs by name, and the version that gave them.

        Raises:
            RecognitionError: If there is no answer.
        """

    def recognise(self, audio: Audio) -> EmotionAnswer:
        """The emotion in one utterance.

        Args:
            audio: A file, bytes, a stream or samples: see `serving.recognition.audio.Audio`.

        Raises:
            RecognitionError: If there is no answer. Its subclasses say whether the audio could not be read (also where
                it is silent or shorter than 0.1 s, unless it is `Samples`), the model could not judge it, or nobody
                answered.
        """
        [answer] = self._answers([read_waveform(audio)])
        if isinstance(answer, RecognitionError):
            raise answer
        return answer

    def recognise_all(self, audios: Iterable[Audio]) -> Iterator[EmotionAnswer | RecognitionError]:
        """The emotions in many utterances.

        They are read ahead, put into batches of like lengths and asked about several batches at a time; the answers
        come in the order of `audios`.

        Args:
            audios: See `recognise`. They are read as the answers are taken, so that there may be any number of them.

        Yields:
            For each utterance its answer, or the reason why it has none: it could not be read, the model could not
            judge it, or the server refused its batch or was too slow with it.

        Raises:
            RecognitionError: If nobody answers, so that the others would fare the same.
        """
        readers, askers = ThreadPoolExecutor(os.cpu_count()), ThreadPoolExecutor(self.concurrency)
        try:
            answers: Iterator[EmotionAnswer | RecognitionError] = iter(())
            for waveforms in _windows(audios, readers):
                # While this window was being read, the one before it was being asked about.
                coming = self._start_asking(waveforms, askers)
                yield from answers
                answers = coming
            yield from answers
        finally:
            readers.shutdown(cancel_futures=True)
            askers.shutdown(cancel_futures=True)

    def _start_asking(
        self, waveforms: list[np.ndarray | RecognitionError], askers: Executor
    ) -> Iterator[EmotionAnswer | RecognitionError]:
        """Ask about a window; the answers in order, each waited for when it is taken."""
        window = Window(waveforms, self.batch_size)
        asked = [askers.submit(self._answers_or_reasons, batch) for batch in window.batches]
        return (
            where if isinstance(where, RecognitionError) else asked[where[0]].result()[where[1]]
            for where in window.in_order()
        )

    def _answers_or_reasons(self, waveforms: Sequence[np.ndarray]) -> Sequence[EmotionAnswer | RecognitionError]:
        try:
            return self._answers(waveforms)
        except RecognitionError as error:
            if error.concerns_all:
                raise
            return [error] * len(waveforms)

    def _answers(self, waveforms: Sequence[np.ndarray]) -> Sequence[EmotionAnswer | RecognitionError]:
        waveform, num_samples = padded_batch(waveforms)
        start = time.perf_counter()
        outputs, version = self.ask(waveform, num_samples)
        return read_answers(outputs, self.labels, len(waveforms), version, time.perf_counter() - start)


def _windows(audios: Iterable[Audio], readers: Executor) -> Iterator[list[np.ndarray | RecognitionError]]:
    left = iter(audios)
    window: list[np.ndarray | RecognitionError] = []
    while some := list(islice(left, READ_AT_A_TIME)):
        window.extend(readers.map(waveform_or_reason, some))
        if is_full(window):
            yield window
            window = []
    if window:
        yield window
