"""Speech for benchmarks that need no recordings. Noise would be refused, so that its answers would cost nothing."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def speech(seconds: float, number: int) -> "np.ndarray":
    """What a synthetic speaker says, as often as it takes, from its loudest sample on: short clips are speech, too.

    Args:
        seconds: Duration.
        number: Number of the speaker, from 0; each says something else.

    Returns:
        float32 [samples] at 16 kHz.
    """
    import numpy as np

    from data_pipeline.audio.decode import SAMPLE_RATE
    from data_pipeline.corpora.synthetic import make_clip, make_speaker
    from data_pipeline.emotion import Emotion

    clip = make_clip(0, make_speaker(0, number + 1), number + 1, Emotion.NEUTRAL, number) / np.float32(32_768)
    return np.resize(np.roll(clip, -int(np.abs(clip).argmax())), round(seconds * SAMPLE_RATE))


def batch(clips: int, seconds: float) -> "np.ndarray":
    """Speech of as many speakers as there are clips.

    Args:
        clips: Number of clips.
        seconds: Duration of each.

    Returns:
        float32 [clips, samples] at 16 kHz.
    """
    import numpy as np

    return np.stack([speech(seconds, number) for number in range(clips)])
