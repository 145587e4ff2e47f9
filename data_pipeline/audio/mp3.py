"""Short MP3 files, decoded in one go.

libsndfile gives what is in an MP3 too, but asks its decoder for a few hundred samples at a time; dr_mp3, which
miniaudio brings, takes the whole file at once, in less time. Both leave out the silence that a LAME encoder states it
has added at the beginning and at the end, so that a clip has the same samples either way.
"""

import miniaudio
import numpy as np

LARGEST_MP3 = 2**18
"""Bytes of a file that is decoded at once: a minute of speech; however it was encoded, at most 25 MiB of samples."""

_ID3_HEADER = 10
"""Bytes of an ID3v2 tag before what its size counts."""


class Mp3:
    """An MP3's samples, with what is asked of a `soundfile.SoundFile`."""

    format = "MPEG"
    subtype = "MPEG_LAYER_III"

    def __init__(self, content: bytes) -> None:
        """Decode.

        Args:
            content: The whole file.

        Raises:
            miniaudio.DecodeError: If no frame of an MP3 is found in it.
        """
        decoded = miniaudio.mp3_read_s16(content)
        self.samplerate = decoded.sample_rate
        self.channels = decoded.nchannels
        self._samples = np.frombuffer(decoded.samples, np.int16).reshape(-1, self.channels)
        self._position = 0

    @property
    def frames(self) -> int:
        """Samples of each channel."""
        return len(self._samples)

    def close(self) -> None:
        """Nothing is open."""

    def seek(self, frame: int) -> None:
        """Go to a frame."""
        self._position = frame

    def read_frames(self, frames: int) -> np.ndarray:
        """What comes next: float32 [frames, channels], fewer at the end."""
        return self.read_pcm(frames).astype(np.float32) / np.float32(32_768)

    def read_pcm(self, frames: int) -> np.ndarray:
        """What comes next as the decoder gives it: int16 [frames, channels], fewer at the end."""
        start = self._position
        self._position = min(start + frames, self.frames)
        return self._samples[start : self._position]


def is_mp3(content: bytes) -> bool:
    """Whether a file begins with a frame of MPEG-1, -2 or -2.5 layer III, or with an ID3v2 tag and then such a frame.

    Args:
        content: The whole file, or its first bytes as long as no tag comes first.
    """
    first = 0
    if content[:3] == b"ID3" and len(content) >= _ID3_HEADER:
        # Seven bits of each byte count (ID3v2.4.0, section 6.2).
        size = 0
        for byte in content[6:_ID3_HEADER]:
            size = size << 7 | byte & 0x7F
        first = _ID3_HEADER + size
    header = content[first : first + 2]
    # Eleven bits of synchronisation, two of the version, two of the layer: 01 is III (ISO/IEC 11172-3, 2.4.2.3).
    return len(header) == 2 and header[0] == 0xFF and header[1] & 0xE6 == 0xE2
