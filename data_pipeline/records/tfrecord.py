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
        file: Open for writing.
        parts: Of the record, one after the other; they are not copied.

    Returns:
        How many bytes were written.
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
    # The mask keeps a checksum of data that holds checksums from being weak.
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
