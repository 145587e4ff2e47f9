"""Of any number of utterances, those that are in memory at a time: what is put into batches and asked about."""

from collections.abc import Iterator, Sequence

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE
from serving.errors import RecognitionError
from serving.recognition.batches import plan

MOST_UTTERANCES = 256
"""In a window: enough to find full batches of like lengths."""

MOST_SAMPLES = MOST_UTTERANCES * 10 * SAMPLE_RATE
"""In a window; 164 MB."""

READ_AT_A_TIME = 16
"""Utterances. What is read past a full window is as much memory on top of it."""


def is_full(waveforms: Sequence[np.ndarray | RecognitionError]) -> bool:
    """Whether it is time to ask about what has been read."""
    samples = sum(waveform.size for waveform in waveforms if isinstance(waveform, np.ndarray))
    return len(waveforms) >= MOST_UTTERANCES or samples >= MOST_SAMPLES


class Window:
    """Utterances, put into batches.

    Args:
        waveforms: Each float32 [samples], or why it could not be read.
        batch_size: Rows that a batch has at most.

    Attributes:
        batches: The waveforms of each batch.
    """

    def __init__(self, waveforms: Sequence[np.ndarray | RecognitionError], batch_size: int):
        readable = [(index, waveform) for index, waveform in enumerate(waveforms) if isinstance(waveform, np.ndarray)]
        batches = plan([waveform.size for _, waveform in readable], batch_size)
        self.batches = [[readable[place][1] for place in batch] for batch in batches]
        self._waveforms = waveforms
        self._places = {
            readable[place][0]: (number, row) for number, batch in enumerate(batches) for row, place in enumerate(batch)
        }

    def in_order(self) -> Iterator[RecognitionError | tuple[int, int]]:
        """Of each utterance, why it could not be read, or the number of its batch and its row there."""
        for index, waveform in enumerate(self._waveforms):
            yield waveform if isinstance(waveform, RecognitionError) else self._places[index]
