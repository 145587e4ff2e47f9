"""The interface for recognising emotions, which a client of a server and a SavedModel in this process implement."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import islice

import numpy as np

from data_pipeline.audio.decode import padded_batch
from data_pipeline.audio.track import Track
from serving.errors import RecognitionError
from serving.recognition.answer import EmotionAnswer, read_answers
from serving.recognition.audio import Audio, Utterance, read_utterance, refuse_single, utterance_or_error
from serving.recognition.batches import READ_AT_A_TIME, ReadAhead, is_full


class EmotionRecogniser(ABC):
    """Recognises the emotion in audio.

    Attributes:
        labels: Emotions in the order of the model's outputs; None to take those that the model tells with each answer.
        batch_size: Maximum number of rows in a batch.
        concurrency: Maximum number of batches that are computed at a time.
    """

    labels: tuple[str, ...] | None
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

    def recognise(self, audio: Audio, track: Track | None = None) -> EmotionAnswer:
        """Recognise the emotion in one utterance.

        Args:
            audio: A file, bytes, a stream or samples: see `serving.recognition.audio.Audio`.
            track: The channel to take from several, or None to take channels that are the same; channels that differ,
                such as the parties of a call, are then refused.

        Raises:
            RecognitionError: If there is no answer. Its subclasses distinguish audio that could not be read (which
                includes audio that is silent, too short or not speech), audio that the model could not judge, and
                servers that did not answer.
        """
        [answer] = self._answers([read_utterance(audio, track)])
        if isinstance(answer, RecognitionError):
            raise answer
        return answer

    def recognise_all(
        self, audios: Iterable[Audio], track: Track | None = None
    ) -> Iterator[EmotionAnswer | RecognitionError]:
        """Recognise the emotions in many utterances.

        The utterances are read ahead and put into batches of similar lengths, and several batches are computed at a
        time. The answers have the order of `audios`.

        Args:
            audios: See `recognise`. They are read while the answers are consumed, so there may be any number of them.
            track: See `recognise`; for all utterances.

        Returns:
            For each utterance its answer, or the reason why it has none: it could not be read, the model could not
            judge it, or the server refused its batch or did not answer in time. The iterator raises a
            `RecognitionError` if the server is not available, so that no other utterance would be answered either.

        Raises:
            TypeError: If `audios` is a single utterance.
        """
        # Here, not in the generator, which would complain only when the first answer is consumed.
        refuse_single(audios)
        return self._recognise_all(audios, track)

    def _recognise_all(
        self, audios: Iterable[Audio], track: Track | None
    ) -> Iterator[EmotionAnswer | RecognitionError]:
        readers, callers = ThreadPoolExecutor(os.cpu_count()), ThreadPoolExecutor(self.concurrency)
        try:
            answers: Iterator[EmotionAnswer | RecognitionError] = iter(())
            for utterances in _read_ahead(audios, track, readers):
                # While these utterances were being read, the previous ones were being computed.
                coming = self._submit(utterances, callers)
                yield from answers
                answers = coming
            yield from answers
        finally:
            readers.shutdown(cancel_futures=True)
            callers.shutdown(cancel_futures=True)

    def _submit(
        self, utterances: list[Utterance | RecognitionError], callers: Executor
    ) -> Iterator[EmotionAnswer | RecognitionError]:
        """Start to compute batches of utterances. The iterator waits for each answer when it is consumed."""
        ahead = ReadAhead(utterances, self.batch_size)
        submitted = [callers.submit(self._answers_or_errors, batch) for batch in ahead.batches]
        return (
            place if isinstance(place, RecognitionError) else submitted[place[0]].result()[place[1]]
            for place in ahead.in_order()
        )

    def _answers_or_errors(self, utterances: Sequence[Utterance]) -> Sequence[EmotionAnswer | RecognitionError]:
        try:
            return self._answers(utterances)
        except RecognitionError as error:
            if error.concerns_all:
                raise
            return [error] * len(utterances)

    def _answers(self, utterances: Sequence[Utterance]) -> Sequence[EmotionAnswer | RecognitionError]:
        waveform, num_samples = padded_batch([one.waveform for one in utterances])
        start = time.perf_counter()
        outputs, version = self.predict(waveform, num_samples)
        findings = [one.finding for one in utterances]
        return read_answers(outputs, self.labels, findings, version, time.perf_counter() - start)


def _read_ahead(
    audios: Iterable[Audio], track: Track | None, readers: Executor
) -> Iterator[list[Utterance | RecognitionError]]:
    remaining = iter(audios)
    utterances: list[Utterance | RecognitionError] = []
    while some := list(islice(remaining, READ_AT_A_TIME)):
        utterances.extend(readers.map(lambda audio: utterance_or_error(audio, track), some))
        if is_full(utterances):
            yield utterances
            utterances = []
    if utterances:
        yield utterances
