"""Whether an MP3 or an Ogg is there to its end. Neither states its length where all decoders look for it."""

from typing import BinaryIO

_TAIL = 2**17
"""Number of bytes at the end of an Ogg that surely hold the start of its last page, which has at most 65,307 bytes
(RFC 3533, section 6)."""

_PAGE_HEADER = 27
"""Number of bytes of the header of an Ogg page before its table of segments."""

_LAST_PAGE = 0x04
"""Flag of the last page of a stream (RFC 3533, section 6)."""

_BITRATES = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    0: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Kilobits a second of layer III by the two bits of the version (3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5) and the index in
the frame's header (ISO/IEC 11172-3, 2.4.2.3, and 13818-3, 2.4.2.3)."""

_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Sampling rates in Hz by version and index."""


def ogg_is_cut_off(file: BinaryIO, length: int) -> bool:
    """Whether an Ogg lacks its last page, or a part of it.

    Args:
        file: The file, at any position.
        length: Its size in bytes.
    """
    file.seek(max(0, length - _TAIL))
    tail = file.read(_TAIL)
    start = tail.rfind(b"OggS")
    page = tail[start:]
    if start < 0 or len(page) < _PAGE_HEADER:
        return True
    segments = page[26]
    size = _PAGE_HEADER + segments + sum(page[_PAGE_HEADER : _PAGE_HEADER + segments])
    return not page[5] & _LAST_PAGE or len(page) < size


def mp3_is_cut_off(content: bytes, first: int) -> bool:
    """Whether an MP3 ends within a frame, or before the number of bytes that its encoder noted.

    Args:
        content: Content of the whole file.
        first: Position of its first frame.
    """
    noted = _noted_size(content, first)
    if noted:
        return first + noted > len(content)
    position = first
    while position + 4 <= len(content):
        size = _frame_size(content[position : position + 4])
        if not size:
            # Tags may follow the last frame.
            return False
        position += size
    return position > len(content)


def _noted_size(content: bytes, first: int) -> int:
    """Number of bytes that the Xing header in the first frame gives; 0 where there is none.

    The header follows the frame's side information, whose size depends on the version and on the channels; it is one of
    a few places (Xing's own description of its VBR header).
    """
    for offset in (36, 21, 13):
        tag = content[first + offset : first + offset + 16]
        if tag[:4] in (b"Xing", b"Info"):
            flags = int.from_bytes(tag[4:8], "big")
            place = 12 if flags & 1 else 8
            return int.from_bytes(tag[place : place + 4], "big") if flags & 2 else 0
    return 0


def _frame_size(header: bytes) -> int:
    """Size in bytes of a frame of layer III; 0 for something else, or for a frame of free size."""
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bitrate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if header[0] != 0xFF or header[1] >> 5 != 7 or version == 1 or layer != 1 or bitrate == 15 or rate == 3:
        return 0
    samples_per_byte = 144 if version == 3 else 72
    kilobits = _BITRATES[version][bitrate]
    return samples_per_byte * 1_000 * kilobits // _RATES[version][rate] + padding if kilobits else 0
