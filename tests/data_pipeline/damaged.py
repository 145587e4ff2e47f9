"""Damaged copies of audio files, as broken disks, cut-off downloads and faulty tools leave them."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

_RATES = (0, 1, 7, 999, 768_001, 2**20 - 1, 2**31 - 1, 2**32 - 1)
"""Sampling rates that no recording has, in Hz; each format takes as many bits as its field has."""

_MAGICS = (b"RIFF", b"RIFX", b"RF64", b"FORM", b"fLaC", b"OggS", b"ID3\x04", b"\xff\xfb\x90\x64", b".snd", b"\0\0\0\0")
"""How formats begin, one of which is put on the content of another."""

_BLOCK = 4_096
"""Bytes that a disk loses at a time."""


def damaged_copies(path: Path, folder: Path, count: int, seed: int) -> list[Path]:
    """Write damaged copies of a WAV, FLAC, MP3 or Ogg Vorbis file.

    Args:
        path: The whole file; its format is told by its content.
        folder: Where the copies go; made if it is missing.
        count: How many; the kinds of damage take turns.
        seed: The same seed gives the same bytes.

    Returns:
        The copies, named `<stem>-<number>-<damage><suffix>`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = path.read_bytes()
    copies = []
    for number in range(count):
        damage = _DAMAGES[number % len(_DAMAGES)]
        rng = np.random.default_rng([seed, number])
        copy = folder / f"{path.stem}-{number:03d}-{damage.__name__.removeprefix('_')}{path.suffix}"
        copy.write_bytes(damage(content, rng))
        copies.append(copy)
    return copies


def _truncated(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: rng.integers(0, len(content))]


def _cut_in_header(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: rng.integers(0, 64)]


def _head_lost(content: bytes, rng: np.random.Generator) -> bytes:
    return content[rng.integers(1, min(len(content), _BLOCK)) :]


def _few_bits_flipped(content: bytes, rng: np.random.Generator) -> bytes:
    return _flipped(content, int(rng.integers(1, 9)), len(content), rng)


def _many_bits_flipped(content: bytes, rng: np.random.Generator) -> bytes:
    return _flipped(content, max(1, len(content) // 50), len(content), rng)


def _header_bits_flipped(content: bytes, rng: np.random.Generator) -> bytes:
    return _flipped(content, int(rng.integers(1, 17)), 64, rng)


def _block_zeroed(content: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(0, len(content)))
    lost = min(_BLOCK, len(content) - start)
    return content[:start] + bytes(lost) + content[start + lost :]


def _block_dropped(content: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(0, len(content)))
    return content[:start] + content[start + _BLOCK :]


def _block_of_noise(content: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(0, len(content)))
    noise = rng.bytes(min(_BLOCK, len(content) - start))
    return content[:start] + noise + content[start + len(noise) :]


def _halves_swapped(content: bytes, rng: np.random.Generator) -> bytes:
    middle = int(rng.integers(1, len(content)))
    return content[middle:] + content[:middle]


def _wrong_magic(content: bytes, rng: np.random.Generator) -> bytes:
    others = [magic for magic in _MAGICS if not content.startswith(magic)]
    magic = others[rng.integers(0, len(others))]
    return magic + content[len(magic) :]


def _wrong_field(content: bytes, rng: np.random.Generator) -> bytes:
    """A header's field at an extreme: sizes, channels, bits a sample, whatever lies there."""
    start = 4 * int(rng.integers(1, 16))
    extreme = (0, 1, 2**31 - 1, 2**31, 2**32 - 1)[rng.integers(0, 5)]
    return content[:start] + struct.pack("<I", extreme) + content[start + 4 :]


def _absurd_rate(content: bytes, rng: np.random.Generator) -> bytes:
    rate = _RATES[rng.integers(0, len(_RATES))]
    changed = bytearray(content)
    if content.startswith(b"RIFF"):
        struct.pack_into("<I", changed, content.index(b"fmt ") + 12, rate)
    elif content.startswith(b"fLaC"):
        # STREAMINFO: 20 bits from its 11th byte on (RFC 9639, section 8.2).
        changed[18:20] = struct.pack(">H", (rate & 0xFFFFF) >> 4)
        changed[20] = (rate & 0xF) << 4 | content[20] & 0xF
    elif content.startswith(b"OggS"):
        # Vorbis's identification header is alone on the first page; the rate follows name, version and channels.
        struct.pack_into("<I", changed, content.index(b"\x01vorbis") + 12, rate)
        _sign_page(changed)
    else:
        # The reserved index in an MPEG frame's header.
        changed[_first_frame(content) + 2] |= 0x0C
    return bytes(changed)


def _flipped(content: bytes, count: int, within: int, rng: np.random.Generator) -> bytes:
    changed = np.frombuffer(content, np.uint8).copy()
    places = rng.integers(0, min(within, len(content)), count)
    changed[places] ^= np.left_shift(1, rng.integers(0, 8, count)).astype(np.uint8)
    return changed.tobytes()


def _sign_page(page: bytearray) -> None:
    """Put the right checksum on an Ogg file's first page (RFC 3533, section 6), or nobody would read its content."""
    page[22:26] = bytes(4)
    length = 27 + page[26] + sum(page[27 : 27 + page[26]])
    checksum = 0
    for byte in page[:length]:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x04C11DB7 if checksum & 0x80000000 else 0)) & 0xFFFFFFFF
    struct.pack_into("<I", page, 22, checksum)


def _first_frame(content: bytes) -> int:
    """Where an MP3's first frame begins: after the ID3 tag, if there is one."""
    if not content.startswith(b"ID3"):
        return 0
    size = 0
    for byte in content[6:10]:
        size = size << 7 | byte
    return 10 + size


_DAMAGES: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    _truncated,
    _few_bits_flipped,
    _absurd_rate,
    _wrong_field,
    _header_bits_flipped,
    _many_bits_flipped,
    _wrong_magic,
    _cut_in_header,
    _block_zeroed,
    _block_dropped,
    _block_of_noise,
    _halves_swapped,
    _head_lost,
)
