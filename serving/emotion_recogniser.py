"""Asking for emotions, whoever answers: a server over gRPC or a SavedModel in this process."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from data_pipeline.decode import SAMPLE_RATE, UnusableAudio, decode
from data_pipeline.quality import objection
from serving.answer import AudioRejectedError, EmotionAnswer, read_answers
from serving.waveforms import padded_batch, to_waveform


class EmotionRecogniser(ABC):
    """Takes audio, gives typed answers.

    Args:
        labels: Emotions in the order of the model's outputs.
    """

    def __init__(self, labels: Sequence[str]):
        self.labels = tuple(labels)

    @abstractmethod
    def ask(self, waveform: np.ndarray, num_samples: np.ndarray) -> tuple[Mapping[str, np.ndarray], int]:
        """Run the model's `serving_default` signature on one batch.

        Args:
            waveform: float32 [batch, samples], 16 kHz, full scale ±1.
            num_samples: int32 [batch]; what follows in a row is padding.

        Returns:
            The outputs by name, and the version that gave them.

        Raises:
            UserError: If there is no answer.
        """

    def recognise_file(self, path: Path | str) -> EmotionAnswer:
        """The emotion in an audio file of any format that libsndfile reads.

        A file that `ser data prepare` would set aside is refused: of silence, or of less than a syllable, the model
        has learnt nothing, and it would answer all the same.

        Raises:
            UnusableAudio: If the file cannot be read as audio, is silent, or is shorter than 0.1 s.
            AudioRejectedError: If the model cannot judge what it holds.
            UserError: If there is no answer.
        """
        path = Path(path)
        pcm = decode(path)
        if flaw := objection(pcm):
            raise UnusableAudio(path, flaw)
        return self.recognise(pcm, SAMPLE_RATE)

    def recognise(self, samples: np.ndarray, sample_rate: int) -> EmotionAnswer:
        """The emotion in one utterance.

        Args:
            samples: [samples] or [samples, channels]; floats of full scale ±1, or integers of their type's
                full scale.
            sample_rate: In Hz.

        Raises:
            AudioRejectedError: If the model cannot judge it.
            UserError: If there is no answer.
        """
        [answer] = self.recognise_batch([samples], sample_rate)
        if isinstance(answer, AudioRejectedError):
            raise answer
        return answer

    def recognise_batch(
        self, utterances: Sequence[np.ndarray], sample_rate: int
    ) -> list[EmotionAnswer | AudioRejectedError]:
        """The emotions in several utterances, asked in one call.

        Args:
            utterances: Each [samples] or [samples, channels], of any length.
            sample_rate: Of all of them, in Hz.

        Returns:
            For each utterance its answer, or the reason why it has none; one never changes another's.

        Raises:
            UserError: If there is no answer at all.
        """
        if not utterances:
            return []
        waveform, num_samples = padded_batch([to_waveform(samples, sample_rate) for samples in utterances])
        start = time.perf_counter()
        outputs, version = self.ask(waveform, num_samples)
        return read_answers(outputs, self.labels, version, time.perf_counter() - start)
