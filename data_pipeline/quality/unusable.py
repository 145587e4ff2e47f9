"""What makes a waveform useless as an utterance, so that `prepare` sets the clip aside."""

from collections.abc import Sequence

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.limits import SHORTEST, SILENCE
from data_pipeline.audio.speech.verdict import LEAST_SPEECH, speech_seconds


def unusable_reason(pcm: np.ndarray) -> str | None:
    """Why a waveform cannot be used as an utterance; see `unusable_reasons`."""
    return unusable_reasons([pcm])[0]


def unusable_reasons(pcms: Sequence[np.ndarray], known_as_speech: Sequence[bool] | None = None) -> list[str | None]:
    """Why waveforms cannot be used as utterances.

    Args:
        pcms: Each int16 [samples] at 16 kHz. Many are judged in less time than one after the other.
        known_as_speech: Whether each is speech for certain, so that nothing listens to it. By default none is.

    Returns:
        For each what is wrong, worded to follow the file's name (`is silent: …`), or None.
    """
    reasons = [_without_listening(pcm) for pcm in pcms]
    known = known_as_speech or [False] * len(pcms)
    heard = [place for place, reason in enumerate(reasons) if reason is None and not known[place]]
    waveforms = [pcms[place] / np.float32(32_768) for place in heard]
    for place, seconds in zip(heard, speech_seconds(waveforms, enough=LEAST_SPEECH), strict=True):
        if seconds < LEAST_SPEECH:
            how = f"only {seconds:.2f} s of speech" if seconds else "no speech"
            reasons[place] = f"holds {how}: what else is in it (noise, tones, music) has no emotion"
    return reasons


def _without_listening(pcm: np.ndarray) -> str | None:
    seconds = len(pcm) / SAMPLE_RATE
    if seconds < SHORTEST:
        return f"is shorter than {SHORTEST:g} s ({seconds:.3f} s)"
    # As integers of Python, since the magnitude of -32,768 does not fit into int16.
    if max(int(pcm.max()), -int(pcm.min())) < SILENCE:
        return f"is silent: no sample reaches {SILENCE} of 32,768"
    return None
