"""Short MP3 files, decoded in one go.

libsndfile decodes MP3s too, but asks its decoder for a few hundred samples at a time. dr_mp3, which miniaudio brings,
decodes the whole file at once and takes less time. Both leave out the silence that a LAME encoder states it has added
at the beginning and the end, so a clip has the same samples either way.
"""

import miniaudio
import numpy as np

from data_pipeline.audio.formats.endings import mp3_is_cut_off
from data_pipeline.audio.formats.reader import CannotBeDecoded

LARGEST_MP3 = 2**18
"""Largest file in bytes that is decoded at once: a minute of speech and, however encoded, at most 25 MiB of samples."""

_ID3_HEADER = 10
"""Number of bytes at the start of an ID3v2 tag that its size does not count."""


class Mp3:
    """The samples of an MP3; see `Reader`."""

    format = "MPEG"
    subtype = "MPEG_LAYER_III"

    def __init__(self, content: bytes) -> None:
        """Decode a file.

        Args:
            content: Content of the whole file.

        Raises:
            CannotBeDecoded: If no frame of an MP3 is found in it.
        """
        try:
            decoded = miniaudio.mp3_read_s16(content)
        except miniaudio.DecodeError as error:
            raise CannotBeDecoded("has no frame of an MP3") from error
        self.is_cut_off = mp3_is_cut_off(content, first_frame(content))
        self.samplerate = decoded.sample_rate
        self.channels = decoded.nchannels
        self._samples = np.frombuffer(decoded.samples, np.int16).reshape(-1, self.channels)
        self._position = 0

    @property
    def frames(self) -> int:
        """Number of samples of each channel."""
        return len(self._samples)

    def close(self) -> None:
        """Do nothing, since nothing is open."""

    def seek(self, frame: int) -> None:
        """Continue at a frame."""
        self._position = frame

    def read_frames(self, frames: int) -> np.ndarray:
        """Read the next frames: float32 [frames, channels], fewer at the end."""
        return self.read_pcm(frames).astype(np.float32) / np.float32(32_768)

    def read_pcm(self, frames: int) -> np.ndarray:
        """Read the next frames as the decoder gives them: int16 [frames, channels], fewer at the end."""
        start = self._position
        self._position = min(start + frames, self.frames)
        return self._samples[start : self._position]


def is_mp3(content: bytes) -> bool:
    """Whether a file begins with a frame of MPEG-1, -2 or -2.5 layer III, after an ID3v2 tag or without one.

    Args:
        content: Content of the whole file; the first bytes are enough where no tag comes first.
    """
    first = first_frame(content)
    header = content[first : first + 2]
    # Eleven bits of synchronisation, two of the version, two of the layer: 01 is III (ISO/IEC 11172-3, 2.4.2.3).
    return len(header) == 2 and header[0] == 0xFF and header[1] & 0xE6 == 0xE2


def first_frame(content: bytes) -> int:
    """Position after the ID3v2 tag at the beginning of a file; 0 where there is none."""
    if content[:3] != b"ID3" or len(content) < _ID3_HEADER:
        return 0
    # Only seven bits of each byte count (ID3v2.4.0, section 6.2).
    size = 0
    for byte in content[6:_ID3_HEADER]:
        size = size << 7 | byte & 0x7F
    return _ID3_HEADER + size
