"""The interface for recognising emotions, which a client of a server and a SavedModel in this process implement."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import islice

import numpy as np

from data_pipeline.audio.decode import padded_batch
from serving.errors import RecognitionError
from serving.recognition.answer import EmotionAnswer, read_answers
from serving.recognition.audio import Audio, read_waveform, waveform_or_error
from serving.recognition.batches import READ_AT_A_TIME, ReadAhead, is_full


class EmotionRecogniser(ABC):
    """Recognises the emotion in audio.

    Attributes:
        labels: Emotions in the order of the model's outputs.
        batch_size: Maximum number of rows in a batch.
        concurrency: Maximum number of batches that are computed at a time.
    """

    labels: tuple[str, ...]
    batch_size: int
    concurrency: int

    @abstractmethod
    def predict(self, waveform: np.ndarray, num_samples: np.ndarray) -> tuple[Mapping[str, np.ndarray], int]:
        """Run the model's `serving_default` signature on one batch.

        Args:
            waveform: float32 [batch, samples], 16 kHz, full scale ±1.
            num_samples: int32 [batch], number of samples in each row; the rest of the row is padding.

        Returns:
            The outputs by name, and the number of the version that computed them.

        Raises:
            RecognitionError: If there is no answer.
        """

    def recognise(self, audio: Audio) -> EmotionAnswer:
        """Recognise the emotion in one utterance.

        Args:
            audio: A file, bytes, a stream or samples: see `serving.recognition.audio.Audio`.

        Raises:
            RecognitionError: If there is no answer. Its subclasses distinguish audio that could not be read (which
                includes silent audio and audio shorter than 0.1 s, except for `Samples`), audio that the model could
                not judge, and servers that did not answer.
        """
        [answer] = self._answers([read_waveform(audio)])
        if isinstance(answer, RecognitionError):
            raise answer
        return answer

    def recognise_all(self, audios: Iterable[Audio]) -> Iterator[EmotionAnswer | RecognitionError]:
        """Recognise the emotions in many utterances.

        The utterances are read ahead and put into batches of similar lengths, and several batches are computed at a
        time. The answers have the order of `audios`.

        Args:
            audios: See `recognise`. They are read while the answers are consumed, so there may be any number of them.

        Yields:
            For each utterance its answer, or the reason why it has none: it could not be read, the model could not
            judge it, or the server refused its batch or did not answer in time.

        Raises:
            RecognitionError: If the server is not available, so that no other utterance would be answered either.
        """
        readers, callers = ThreadPoolExecutor(os.cpu_count()), ThreadPoolExecutor(self.concurrency)
        try:
            answers: Iterator[EmotionAnswer | RecognitionError] = iter(())
            for waveforms in _read_ahead(audios, readers):
                # While these waveforms were being read, the previous ones were being computed.
                coming = self._submit(waveforms, callers)
                yield from answers
                answers = coming
            yield from answers
        finally:
            readers.shutdown(cancel_futures=True)
            callers.shutdown(cancel_futures=True)

    def _submit(
        self, waveforms: list[np.ndarray | RecognitionError], callers: Executor
    ) -> Iterator[EmotionAnswer | RecognitionError]:
        """Start to compute batches of waveforms. The iterator waits for each answer when it is consumed."""
        ahead = ReadAhead(waveforms, self.batch_size)
        submitted = [callers.submit(self._answers_or_errors, batch) for batch in ahead.batches]
        return (
            place if isinstance(place, RecognitionError) else submitted[place[0]].result()[place[1]]
            for place in ahead.in_order()
        )

    def _answers_or_errors(self, waveforms: Sequence[np.ndarray]) -> Sequence[EmotionAnswer | RecognitionError]:
        try:
            return self._answers(waveforms)
        except RecognitionError as error:
            if error.concerns_all:
                raise
            return [error] * len(waveforms)

    def _answers(self, waveforms: Sequence[np.ndarray]) -> Sequence[EmotionAnswer | RecognitionError]:
        waveform, num_samples = padded_batch(waveforms)
        start = time.perf_counter()
        outputs, version = self.predict(waveform, num_samples)
        return read_answers(outputs, self.labels, len(waveforms), version, time.perf_counter() - start)


def _read_ahead(audios: Iterable[Audio], readers: Executor) -> Iterator[list[np.ndarray | RecognitionError]]:
    remaining = iter(audios)
    waveforms: list[np.ndarray | RecognitionError] = []
    while some := list(islice(remaining, READ_AT_A_TIME)):
        waveforms.extend(readers.map(waveform_or_error, some))
        if is_full(waveforms):
            yield waveforms
            waveforms = []
    if waveforms:
        yield waveforms
