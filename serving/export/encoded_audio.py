"""Decode WAV files and µ-law bytes inside the graph. Nothing raises: a row that cannot be read gets a status.

`tf.audio.decode_wav` raises on a file that it cannot read, which would fail every other call in a merged batch. It also
takes only one file at a time. Here, the chunks of all rows are read in parallel, and the samples of all rows are
decoded at once.

WAV format: RIFF WAVE (Multimedia Programming Interface and Data Specifications 1.0, IBM and Microsoft, 1991) and
WAVE_FORMAT_EXTENSIBLE (Microsoft, 2001).
"""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from data_pipeline.audio.formats.wav_header import MOST_CHUNKS, ends_early, states_no_size
from data_pipeline.audio.g711 import decode_table
from serving.status import RowFinding, RowStatus

_FILES = (
    *(b"RIFF", b"RIFX", b"RF64", b"OggS", b"fLaC", b"FORM", b".snd", b"caff", b"#!AM", b"FLV\x01"),
    *(b"ID3\x02", b"ID3\x03", b"ID3\x04", b"\x1aE\xdf\xa3"),
)
"""First four bytes of audio files; a voice would have to begin with just these four samples. Those of MP4 follow a size
(see `_MP4`)."""

_MP4 = b"ftyp"
"""Bytes 4 to 7 of MP4, M4A and 3GP (ISO/IEC 14496-12, section 4.3)."""

_NOT_TEXT = 0x7F
"""Least byte that no text in ASCII has. As µ-law, it and all above are silence or positive samples."""

_PCM = 1
_EXTENSIBLE = 0xFFFE

_PCM_SUBFORMAT = bytes.fromhex("0100000000001000800000aa00389b71")
"""KSDATAFORMAT_SUBTYPE_PCM, which an extensible format chunk holds from byte 24 on."""


class _Chunks(NamedTuple):
    """What has been found in each row so far. All tensors have the shape [batch].

    Attributes:
        position: int64. Position of the next chunk.
        walking: bool. Whether the row has more chunks to read.
        format: string. Content of the format chunk, at most 40 bytes; empty if none was found.
        data_start: int64. Position of the first sample; 0 if no data chunk was found.
        data_size: int64. Size of the data chunk in bytes, as the file states it.
    """

    position: tf.Tensor
    walking: tf.Tensor
    format: tf.Tensor
    data_start: tf.Tensor
    data_size: tf.Tensor


class WavRows(NamedTuple):
    """Decoded rows.

    Attributes:
        waveform: float32 [batch, samples], each row at its own sampling rate, full scale ±1, zero after its end.
        num_samples: int32 [batch]; 0 if the status is not OK.
        sample_rate: int32 [batch], 8,000 or 16,000; 16,000 if the status is not OK.
        status: int32 [batch], a `RowStatus`.
        finding: int32 [batch], a `RowFinding`.
    """

    waveform: tf.Tensor
    num_samples: tf.Tensor
    sample_rate: tf.Tensor
    status: tf.Tensor
    finding: tf.Tensor


def read_wav(audio: tf.Tensor) -> WavRows:
    """Decode rows of mono PCM16 WAV files.

    A file may have any chunks before and after its samples. Headers that are wrong about the number of samples are
    read by the rule of `data_pipeline.audio.formats.wav_header`: where none is stated, everything up to the end of the
    file is samples, and of a file that was cut off what is there is read, with a finding. A last byte that is half a
    sample is ignored.

    Args:
        audio: string [batch], each a whole WAV file.

    Returns:
        The waveforms and the status of each row.
    """
    length = tf.cast(tf.strings.length(audio), tf.int64)
    chunks = _walk(audio, length)
    available = length - chunks.data_start
    stated = (chunks.data_size, _little_endian(audio, 4), chunks.data_start)
    size = tf.where(states_no_size(*stated), available, tf.minimum(chunks.data_size, available))
    num_samples = size // 2

    field = _integers(chunks.format, 0, tf.uint16, 8)
    encoding, channels, bits = field[:, 0], field[:, 1], field[:, 7]
    sample_rate = _little_endian(chunks.format, 4)
    pcm = (encoding == _PCM) | ((encoding == _EXTENSIBLE) & (_substring(chunks.format, 24, 16) == _PCM_SUBFORMAT))

    status = first_of(
        (length == 0, RowStatus.EMPTY),
        (~_is_wave(audio), RowStatus.NOT_WAV),
        ((tf.strings.length(chunks.format) < 16) | (chunks.data_start == 0), RowStatus.INCOMPLETE_HEADER),
        (~pcm | (bits != 16), RowStatus.UNSUPPORTED_ENCODING),
        (channels != 1, RowStatus.UNSUPPORTED_CHANNELS),
        ((sample_rate != 8_000) & (sample_rate != 16_000), RowStatus.UNSUPPORTED_RATE),
        (num_samples == 0, RowStatus.EMPTY),
    )
    readable = status == RowStatus.OK
    num_samples = tf.where(readable, num_samples, 0)
    # decode_raw needs at least one sample, and pads shorter rows with zeros.
    longest = tf.reduce_max(tf.concat([num_samples, [1]], axis=0))
    pcm_bytes = _substring(audio, tf.where(readable, chunks.data_start, 0), 2 * num_samples)
    samples = tf.io.decode_raw(pcm_bytes, tf.int16, fixed_length=tf.cast(2 * longest, tf.int32))
    return WavRows(
        waveform=tf.cast(samples, tf.float32) / 32_768.0,
        num_samples=tf.cast(num_samples, tf.int32),
        sample_rate=tf.cast(tf.where(readable, sample_rate, 16_000), tf.int32),
        status=status,
        finding=tf.where(readable & ends_early(*stated, length), int(RowFinding.CUT_OFF), int(RowFinding.NONE)),
    )


@functools.cache
def expansion_table() -> np.ndarray:
    """The sample value of each µ-law byte.

    Returns:
        float32 [256], full scale ±1.
    """
    return (decode_table("mulaw") / 32_768).astype(np.float32)


def read_mulaw(audio: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Decode rows of raw G.711 µ-law, one byte a sample at 8 kHz, as telephone streams carry it.

    Any bytes are samples, but those of an audio file or of text (such as base64) would be loud noise. A file is told by
    its first bytes. Text has no byte above 0x7E, which as µ-law would be samples that are all negative and none quiet.

    Args:
        audio: string [batch].

    Returns:
        waveform: float32 [batch, samples] at 8 kHz, full scale ±1, zero after each row's end.
        num_samples: int32 [batch].
        status: int32 [batch], a `RowStatus`.
    """
    num_samples = tf.strings.length(audio)
    # decode_raw needs a length of at least one, which a batch without bytes does not have.
    longest = tf.reduce_max(num_samples)
    code = tf.io.decode_raw(audio, tf.uint8, fixed_length=tf.maximum(longest, 1))
    waveform = tf.gather(expansion_table(), tf.cast(code, tf.int32))
    # Rows are padded with zero bytes, which stand for -32,124, not for silence.
    waveform = tf.where(tf.sequence_mask(num_samples, tf.shape(waveform)[1]), waveform, 0.0)
    beginning = _substring(audio, 0, 4)
    is_file = tf.reduce_any([beginning == magic for magic in _FILES], axis=0) | (_substring(audio, 4, 4) == _MP4)
    is_text = ~tf.reduce_any(code >= _NOT_TEXT, axis=1)
    status = first_of(
        (num_samples == 0, RowStatus.EMPTY),
        (is_file | is_text, RowStatus.NOT_MULAW),
    )
    return waveform, num_samples, status


def _is_wave(audio: tf.Tensor) -> tf.Tensor:
    return (_substring(audio, 0, 4) == b"RIFF") & (_substring(audio, 8, 4) == b"WAVE")


def _walk(audio: tf.Tensor, length: tf.Tensor) -> _Chunks:
    """Read the chunks of every row up to its data chunk."""
    nowhere = tf.zeros_like(length)
    start = _Chunks(nowhere + 12, _is_wave(audio), tf.fill(tf.shape(audio), ""), nowhere, nowhere)

    def step(chunks: _Chunks) -> tuple[_Chunks]:
        name = _substring(audio, chunks.position, 4)
        size = _little_endian(audio, chunks.position + 4)
        content = chunks.position + 8
        present = chunks.walking & (content <= length)
        is_format = present & (name == b"fmt ")
        is_data = present & (name == b"data")
        # Read no more of a format chunk than its stated size, so the next chunk is never read as a part of it.
        found_format = _substring(audio, content, tf.minimum(size, 40))
        return (
            _Chunks(
                # Chunks begin at even positions: a chunk of odd size is followed by one byte of padding.
                position=tf.where(present, content + size + size % 2, chunks.position),
                walking=present & ~is_data,
                format=tf.where(is_format, found_format, chunks.format),
                data_start=tf.where(is_data, content, chunks.data_start),
                data_size=tf.where(is_data, size, chunks.data_size),
            ),
        )

    (end,) = tf.while_loop(lambda chunks: tf.reduce_any(chunks.walking), step, (start,), maximum_iterations=MOST_CHUNKS)
    return end


def first_of(*cases: tuple[tf.Tensor, RowStatus]) -> tf.Tensor:
    """The status of the first case that is true in each row; OK if none is."""
    status = tf.fill(tf.shape(cases[0][0]), int(RowStatus.OK))
    for condition, code in reversed(cases):
        status = tf.where(condition, int(code), status)
    return status


def _substring(text: tf.Tensor, position: tf.Tensor | int, size: tf.Tensor | int) -> tf.Tensor:
    """Bytes of each row, fewer if the row ends before. (`tf.strings.substr` raises past the end of a string.)"""
    length = tf.cast(tf.strings.length(text), tf.int64)
    position = tf.minimum(tf.cast(position, tf.int64), length)
    size = tf.cast(size, tf.int64) + tf.zeros_like(position)
    return tf.strings.substr(text, position, size)


def _integers(text: tf.Tensor, position: tf.Tensor | int, dtype: tf.DType, count: int) -> tf.Tensor:
    """Little-endian integers of each row, as int64 [batch, count]; 0 after the row's end."""
    size = count * dtype.size
    return tf.cast(tf.io.decode_raw(_substring(text, position, size), dtype, fixed_length=size), tf.int64)


def _little_endian(text: tf.Tensor, position: tf.Tensor | int) -> tf.Tensor:
    """The unsigned 32-bit integer of each row at a position, as int64 [batch]."""
    low_and_high = _integers(text, position, tf.uint16, 2)
    return low_and_high[:, 0] + low_and_high[:, 1] * 2**16
