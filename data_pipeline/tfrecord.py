"""The TFRecord container, written without TensorFlow.

Each record is its length, a checksum of the length, the record, and a checksum of the record; checksums are masked
CRC-32C (tensorflow/core/lib/io/record_writer.h and lib/hash/crc32c.h).
"""

import struct
from typing import BinaryIO

import google_crc32c


def write_record(file: BinaryIO, record: bytes) -> int:
    """Append a record to a TFRecord file.

    Args:
        file: Open for writing.
        record: Of any length.

    Returns:
        How many bytes were written.
    """
    length = struct.pack("<Q", len(record))
    parts = (length, _masked_crc(length), record, _masked_crc(record))
    for part in parts:
        file.write(part)
    return sum(map(len, parts))


def _masked_crc(data: bytes) -> bytes:
    # The mask keeps a checksum of data that holds checksums from being weak.
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
