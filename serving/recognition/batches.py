"""Which utterances share a call, so that little of it is padding."""

from collections.abc import Sequence

from data_pipeline.audio.decode import SAMPLE_RATE

MOST_SAMPLES = 32 * 30 * SAMPLE_RATE
"""In a batch with its padding: 61 MB, which fits a message twice."""

_CALL = SAMPLE_RATE
"""What a call costs beside its samples, in samples: a MobileNet answers 3 s in 6.9 ms alone and in 2.6 ms as a row of
a batch, so that a call by itself takes as long as a few seconds of audio. Where the server merges calls it costs
less."""


def plan(lengths: Sequence[int], most_rows: int, most_samples: int = MOST_SAMPLES) -> list[list[int]]:
    """Put utterances of like lengths together.

    Of all ways to cut the sorted lengths into batches, the one that costs least is taken, where a batch costs its
    rows times its longest row, plus a second for the call.

    Args:
        lengths: Samples of each utterance.
        most_rows: In a batch.
        most_samples: In a batch, padding included; an utterance that is longer goes alone.

    Returns:
        Places in `lengths`, each in exactly one batch; a batch begins with its longest.
    """
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    # least[n]: the cost of the first n in this order; size[n]: how many of them are in the last batch.
    least, size = [0], [0]
    for end in range(1, len(order) + 1):
        best = None
        for rows in range(1, min(most_rows, end) + 1):
            padded = rows * lengths[order[end - rows]]
            cost = least[end - rows] + padded + _CALL
            if (rows == 1 or padded <= most_samples) and (best is None or cost < best[0]):
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
