"""What makes a waveform useless as an utterance, so that `prepare` sets the clip aside."""

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.limits import SHORTEST, SILENCE
from data_pipeline.audio.speech.verdict import LEAST_SPEECH, speech_seconds


def unusable_reason(pcm: np.ndarray) -> str | None:
    """Why a waveform cannot be used as an utterance.

    Args:
        pcm: int16 [samples] at 16 kHz.

    Returns:
        What is wrong, worded to follow the file's name (`is silent: …`), or None.
    """
    seconds = len(pcm) / SAMPLE_RATE
    if seconds < SHORTEST:
        return f"is shorter than {SHORTEST:g} s ({seconds:.3f} s)"
    # As integers of Python, since the magnitude of -32,768 does not fit into int16.
    if max(int(pcm.max()), -int(pcm.min())) < SILENCE:
        return f"is silent: no sample reaches {SILENCE} of 32,768"
    speech = speech_seconds(pcm / np.float32(32_768), enough=LEAST_SPEECH)
    if speech < LEAST_SPEECH:
        how = f"only {speech:.2f} s of speech" if speech else "no speech"
        return f"holds {how}: what else is in it (noise, tones, music) has no emotion"
    return None
