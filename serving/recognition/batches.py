"""Put utterances that were read ahead into batches of similar lengths, so that little of a batch is padding."""

from collections.abc import Iterator, Sequence

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE
from serving.errors import RecognitionError

MAX_UTTERANCES = 256
"""Maximum number of utterances that are in memory at a time: enough to fill batches of similar lengths."""

MAX_SAMPLES = MAX_UTTERANCES * 10 * SAMPLE_RATE
"""Number of samples, 164 MB, at which no more utterances are read ahead."""

READ_AT_A_TIME = 16
"""Number of utterances that are read at a time. Memory may exceed the two maxima by as many utterances."""

MAX_BATCH_SAMPLES = 32 * 30 * SAMPLE_RATE
"""Maximum number of samples in a batch, padding included: 61 MB, half of the largest message."""

_CALL_COST = SAMPLE_RATE
"""Cost of a call apart from its samples, expressed in samples. A MobileNet answers a clip of 3 s in 6.9 ms alone and in
2.6 ms as a row of a batch, so a separate call costs as much as a few seconds of audio, and less on a server that merges
calls."""


def is_full(waveforms: Sequence[np.ndarray | RecognitionError]) -> bool:
    """Whether enough utterances have been read ahead to send them."""
    samples = sum(waveform.size for waveform in waveforms if isinstance(waveform, np.ndarray))
    return len(waveforms) >= MAX_UTTERANCES or samples >= MAX_SAMPLES


class ReadAhead:
    """Utterances that were read ahead, in batches.

    Args:
        waveforms: For each utterance its waveform, float32 [samples], or the reason why it could not be read.
        batch_size: Maximum number of rows in a batch.

    Attributes:
        batches: The waveforms of each batch.
    """

    def __init__(self, waveforms: Sequence[np.ndarray | RecognitionError], batch_size: int):
        readable = [(index, waveform) for index, waveform in enumerate(waveforms) if isinstance(waveform, np.ndarray)]
        batches = plan_batches([waveform.size for _, waveform in readable], batch_size)
        self.batches = [[readable[place][1] for place in batch] for batch in batches]
        self._waveforms = waveforms
        self._places = {
            readable[place][0]: (number, row) for number, batch in enumerate(batches) for row, place in enumerate(batch)
        }

    def in_order(self) -> Iterator[RecognitionError | tuple[int, int]]:
        """For each utterance, why it could not be read, or the index of its batch and its row in that batch."""
        for index, waveform in enumerate(self._waveforms):
            yield waveform if isinstance(waveform, RecognitionError) else self._places[index]


def plan_batches(lengths: Sequence[int], max_rows: int, max_samples: int = MAX_BATCH_SAMPLES) -> list[list[int]]:
    """Group utterances of similar lengths.

    The lengths are sorted and cut into batches. Of all ways to cut them, the cheapest one is chosen, where a batch
    costs its number of rows times the length of its longest row, plus one second for the call.

    Args:
        lengths: Number of samples of each utterance.
        max_rows: Maximum number of rows in a batch.
        max_samples: Maximum number of samples in a batch, padding included. A longer utterance gets a batch of its own.

    Returns:
        Indices into `lengths`, each in exactly one batch. A batch begins with its longest utterance.
    """
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    # least[n] is the cost of the first n utterances in this order; size[n] is how many of them are in the last batch.
    least, size = [0], [0]
    for end in range(1, len(order) + 1):
        best = None
        for rows in range(1, min(max_rows, end) + 1):
            padded = rows * lengths[order[end - rows]]
            cost = least[end - rows] + padded + _CALL_COST
            if (rows == 1 or padded <= max_samples) and (best is None or cost < best[0]):
                best = (cost, rows)
        assert best is not None
        least.append(best[0])
        size.append(best[1])
    batches = []
    end = len(order)
    while end:
        batches.append(order[end - size[end] : end])
        end -= size[end]
    return batches[::-1]
