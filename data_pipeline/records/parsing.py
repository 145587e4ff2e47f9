"""From records to tensors, inside a tf.data pipeline."""

import tensorflow as tf

from data_pipeline.emotion import EMOTIONS

_STRING = tf.io.FixedLenFeature([], tf.string)
_INTEGER = tf.io.FixedLenFeature([], tf.int64)

_FEATURES = {
    "pcm": _STRING,
    "name": _STRING,
    "corpus": _STRING,
    "speaker": _STRING,
    "speaker_known": _INTEGER,
    "emotion": _STRING,
    "votes": tf.io.FixedLenFeature([len(EMOTIONS)], tf.int64),
    "intensity": _STRING,
    "sentence": _STRING,
    "repetition": _STRING,
    "sex": _STRING,
    "age": _INTEGER,
    "race": _STRING,
    "ethnicity": _STRING,
}


def parse(record: tf.Tensor) -> dict[str, tf.Tensor]:
    """Parse a record; the inverse of `record.encode`.

    Args:
        record: string scalar, one serialised example.

    Returns:
        `waveform` float32 [samples] with full scale ±1 at 16 kHz, `num_samples` int32, `votes` int64 [emotions] in the
        order of `EMOTIONS`, `age` int64 (-1 where unknown), `speaker_known` int64 (0 or 1), and every other field of
        the clip as a string scalar.
    """
    example = tf.io.parse_single_example(record, _FEATURES)
    pcm = tf.io.decode_raw(example.pop("pcm"), tf.int16)
    waveform = tf.cast(pcm, tf.float32) / 32_768.0
    return {"waveform": waveform, "num_samples": tf.size(waveform), **example}


def parse_emotion(record: tf.Tensor) -> tf.Tensor:
    """Parse only the acted emotion of a record.

    Args:
        record: string scalar, one serialised example.

    Returns:
        string scalar.
    """
    return tf.io.parse_single_example(record, {"emotion": _STRING})["emotion"]
