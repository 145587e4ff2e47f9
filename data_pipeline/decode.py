"""From an audio file of any kind that libsndfile reads to 16 kHz mono PCM."""

from pathlib import Path

import numpy as np
import soundfile
import soxr

from data_pipeline.errors import UserError

SAMPLE_RATE = 16_000
"""Of every waveform in this project, in Hz."""

LONGEST = 300.0
"""Seconds that one utterance may last; a longer file is a recording still to be cut."""

_RATES = range(1_000, 768_001)
"""Sampling rates that recordings have, in Hz; anything else is a broken header."""

_MOST_VALUES = 2**27
"""Frames times channels that a file may have: 300 s of stereo at 192 kHz, half a gigabyte in float32."""


class UnusableAudio(UserError):
    """A file that gives no usable waveform.

    Attributes:
        path: The file.
        reason: What is wrong with it, worded to follow the file's name: `is empty (zero bytes)`.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.path = path
        self.reason = reason


def decode(path: Path, longest: float = LONGEST) -> np.ndarray:
    """Read an audio file as 16 kHz mono PCM.

    The container and codec are recognised by content, so that an MP3 named `.wav` is read as what it is.
    Channels are averaged; other sampling rates are converted by soxr at its HQ setting (20 bits); samples
    beyond full scale are clipped.

    Args:
        path: WAV, FLAC, Ogg, MP3 or another format of libsndfile.
        longest: Seconds from which on the file is refused unread.

    Returns:
        int16 [samples] at 16 kHz, at least one sample.

    Raises:
        UnusableAudio: If the file is missing, empty, not audio, holds no samples or values that are not
            finite, or lasts longer than `longest` seconds. Its `reason` says which.
    """
    try:
        if path.stat().st_size == 0:
            raise UnusableAudio(path, "is empty (zero bytes)")
        with soundfile.SoundFile(path) as file:
            if flaw := _flaw(file, longest):
                raise UnusableAudio(path, flaw)
            rate = file.samplerate
            # In one piece: soundfile seeks after every read, and an MP3 decoder that is made to seek loses
            # the bits that the next frame borrows from the last.
            channels = file.read(dtype="float32", always_2d=True)
    except OSError as error:
        raise UnusableAudio(path, f"cannot be read ({error.strerror})") from error
    # soundfile raises TypeError for a name that ends in .raw, since headerless audio needs a description.
    except (soundfile.SoundFileError, TypeError) as error:
        detail = getattr(error, "error_string", str(error)).rstrip(".")
        raise UnusableAudio(path, f"cannot be decoded as audio ({detail})") from error
    waveform = channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1)
    if not np.isfinite(waveform).all():
        raise UnusableAudio(path, "holds samples that are not finite numbers")
    if rate != SAMPLE_RATE and waveform.size:
        waveform = soxr.resample(waveform, rate, SAMPLE_RATE, quality="HQ")
    if waveform.size == 0:
        raise UnusableAudio(path, "holds no samples")
    return np.clip(np.rint(waveform * 32_768), -32_768, 32_767).astype(np.int16)


def _flaw(file: soundfile.SoundFile, longest: float) -> str | None:
    """What the header says that rules out reading on, worded to follow the file's name."""
    # libsndfile takes some names (.gsm, .vox) to mean headerless audio, whatever is in the file.
    if file.format == "RAW":
        return "cannot be decoded as audio (it has no header)"
    if file.samplerate not in _RATES:
        return f"states a sampling rate of {file.samplerate:,} Hz: its header is broken"
    if file.frames > longest * file.samplerate:
        return f"lasts longer than {longest:g} s: cut it into utterances"
    if file.frames * file.channels > _MOST_VALUES:
        return f"states {file.channels} channels of {file.frames:,} samples: its header is broken"
    return None
