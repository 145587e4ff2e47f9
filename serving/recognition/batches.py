"""Put utterances that were read ahead into batches of similar lengths, so that little of a batch is padding."""

from collections.abc import Iterator, Sequence

from data_pipeline.audio.decode import SAMPLE_RATE
from serving.errors import RecognitionError
from serving.recognition.audio import Utterance

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


def is_full(utterances: Sequence[Utterance | RecognitionError]) -> bool:
    """Whether enough utterances have been read ahead to send them."""
    samples = sum(one.waveform.size for one in utterances if isinstance(one, Utterance))
    return len(utterances) >= MAX_UTTERANCES or samples >= MAX_SAMPLES


class ReadAhead:
    """Utterances that were read ahead, in batches.

    Args:
        utterances: Each utterance, or the reason why it could not be read.
        batch_size: Maximum number of rows in a batch.

    Attributes:
        batches: The utterances of each batch.
    """

    def __init__(self, utterances: Sequence[Utterance | RecognitionError], batch_size: int):
        readable = [(index, one) for index, one in enumerate(utterances) if isinstance(one, Utterance)]
        batches = plan_batches([one.waveform.size for _, one in readable], batch_size)
        self.batches = [[readable[place][1] for place in batch] for batch in batches]
        self._utterances = utterances
        self._places = {
            readable[place][0]: (number, row) for number, batch in enumerate(batches) for row, place in enumerate(batch)
        }

    def in_order(self) -> Iterator[RecognitionError | tuple[int, int]]:
        """For each utterance, why it could not be read, or the index of its batch and its row in that batch."""
        for index, one in enumerate(self._utterances):
            yield one if isinstance(one, RecognitionError) else self._places[index]


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
