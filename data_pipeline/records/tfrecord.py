"""The TFRecord container, written without TensorFlow.

Each record is its length, a checksum of the length, the record, and a checksum of the record; checksums are masked
CRC-32C (tensorflow/core/lib/io/record_writer.h and lib/hash/crc32c.h).
"""

import struct
from typing import BinaryIO

import google_crc32c


def write_record(file: BinaryIO, *parts: bytes) -> int:
    """Append a record to a TFRecord file.

    Args:
        file: A file that is open for writing.
        parts: Parts of the record, which are written one after the other without being copied.

    Returns:
        The number of bytes written.
    """
    length = struct.pack("<Q", sum(map(len, parts)))
    written = (length, _masked_crc(length), *parts, _masked_crc(*parts))
    for part in written:
        file.write(part)
    return sum(map(len, written))


def _masked_crc(*parts: bytes) -> bytes:
    crc = 0
    for part in parts:
        crc = google_crc32c.extend(crc, part)
    # Without the mask, checksums of data that holds checksums would be weak.
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
