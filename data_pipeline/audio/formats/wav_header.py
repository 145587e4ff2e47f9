"""What a WAV states of its size, and one rule for headers that are wrong about it.

Whoever streams a WAV cannot know its size and writes 0 or the largest number; a recorder that crashes leaves the sizes
of its first moment; a copy that breaks off leaves sizes that are too large. `states_no_size` and `ends_early` decide
for the decoder and, as tensors, for the signature `wav_bytes`.
"""

from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

STREAMED_SIZE = 0x7FFF_F000
"""Least size in bytes that stands for an unknown one: sox writes this size to a pipe, ffmpeg 0xFFFFFFFF, others
0x7FFFFFFF less the size of the header."""

MOST_CHUNKS = 64
"""Largest number of chunks that are walked over in search of the samples. Without a limit, a file of empty chunks would
cost a step for every eight bytes. Broadcast WAVs have about six chunks."""

_RIFF_HEADER = 12
_CHUNK_HEADER = 8


def states_no_size(data_size: Any, riff_size: Any, data_start: Any) -> Any:
    """Whether everything up to the end of the file is samples, since the header does not say how many there are.

    So it is if the data chunk has the size of a stream, or if it has the size 0 and the file's own size does not reach
    beyond its header either. A data chunk of 0 bytes in a file that states more is empty, whatever follows it.

    Args:
        data_size: Stated size of the data chunk in bytes; an integer of NumPy or a tensor.
        riff_size: Size in bytes that the file states of everything after its first eight bytes.
        data_start: Position of the first sample.

    Returns:
        A bool of NumPy, or a tensor.
    """
    header_only = (riff_size >= STREAMED_SIZE) | (riff_size + _CHUNK_HEADER <= data_start)
    return (data_size >= STREAMED_SIZE) | ((data_size == 0) & header_only)


def ends_early(data_size: Any, riff_size: Any, data_start: Any, length: Any) -> Any:
    """Whether a file lacks samples that its header promises.

    Args:
        data_size: See `states_no_size`.
        riff_size: See `states_no_size`.
        data_start: See `states_no_size`.
        length: Size of the whole file in bytes.

    Returns:
        A bool of NumPy, or a tensor.
    """
    # One missing byte may be the padding after a chunk of odd size.
    return ~states_no_size(data_size, riff_size, data_start) & (data_size - (length - data_start) > 1)


@dataclass(frozen=True, slots=True)
class WavHeader:
    """The sizes in the header of a WAV.

    Attributes:
        data_size: Stated size of the data chunk in bytes.
        riff_size: Stated size of everything after the first eight bytes.
        data_start: Position of the first sample.
        length: Size of the whole file in bytes.
    """

    data_size: np.int64
    riff_size: np.int64
    data_start: np.int64
    length: np.int64

    @property
    def states_no_size(self) -> bool:
        """See the function of this name."""
        return bool(states_no_size(self.data_size, self.riff_size, self.data_start))

    @property
    def is_cut_off(self) -> bool:
        """See `ends_early`."""
        return bool(ends_early(self.data_size, self.riff_size, self.data_start, self.length))


def read_wav_header(file: BinaryIO, length: int) -> WavHeader | None:
    """Find the samples of a WAV.

    Args:
        file: The file, at any position.
        length: Its size in bytes.

    Returns:
        None if the file is no RIFF WAVE, or has no data chunk.
    """
    file.seek(0)
    head = file.read(_RIFF_HEADER)
    if len(head) < _RIFF_HEADER or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    position = _RIFF_HEADER
    for _ in range(MOST_CHUNKS):
        file.seek(position)
        chunk = file.read(_CHUNK_HEADER)
        if len(chunk) < _CHUNK_HEADER:
            return None
        size = int.from_bytes(chunk[4:], "little")
        position += _CHUNK_HEADER
        if chunk[:4] == b"data":
            riff_size = int.from_bytes(head[4:8], "little")
            return WavHeader(np.int64(size), np.int64(riff_size), np.int64(position), np.int64(length))
        # Chunks begin at even positions.
        position += size + size % 2
    return None
