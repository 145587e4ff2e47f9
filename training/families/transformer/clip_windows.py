"""Long clips cut into windows that a transformer processes one by one, where its table of positions has an end."""

from typing import Any

from keras import ops


def cut(waveform, num_samples, longest: int) -> tuple[Any, Any, Any]:
    """Cut clips into windows without overlap. A window depends on its clip alone.

    Args:
        waveform: float32 [batch, samples], zero after each clip's end.
        num_samples: int32 [batch].
        longest: Number of samples of a window.

    Returns:
        The windows, [batch x windows, samples], those of a clip one after the other; the number of the clip's samples
        in each, int32 [batch x windows]; and the number of windows of each clip. A batch that fits into one window
        keeps its length, others are filled up to whole windows.
    """
    batch, samples = ops.shape(waveform)
    if isinstance(samples, int) and samples <= longest:
        return waveform, num_samples, 1
    count = ops.maximum((samples + longest - 1) // longest, 1)
    length = ops.minimum(samples, longest)
    padded = ops.pad(waveform, [[0, 0], [0, count * length - samples]])
    starts = ops.arange(count, dtype="int32")[None, :] * longest
    contained = ops.clip(num_samples[:, None] - starts, 0, longest)
    return ops.reshape(padded, (batch * count, length)), ops.reshape(contained, (-1,)), count


def of_the_clip(valid, num_samples, count):
    """The frames that are a clip's: none of a window without a sample of it, but for a clip without samples.

    Args:
        valid: bool [batch x windows, frames], true in the frames of each window.
        num_samples: int32 [batch x windows], from `cut`.
        count: Number of windows of each clip, from `cut`.

    Returns:
        bool [batch x windows, frames].
    """
    first = ops.arange(ops.shape(valid)[0], dtype="int32") % count == 0
    return ops.logical_and(valid, ops.logical_or(num_samples > 0, first)[:, None])
