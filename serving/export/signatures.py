"""The signatures of a served model: kinds of input to one computation, which never raises on content.

| signature | inputs |
| --- | --- |
| `serving_default` | `waveform` float32 [batch, samples] at 16 kHz, `num_samples` int32 [batch] |
| `wav_bytes` | `audio` string [batch], each a mono PCM16 WAV file at 8 or 16 kHz |
| `mulaw_bytes` | `audio` string [batch], each raw 8 kHz G.711 µ-law |
| `embedding` | as `serving_default` |
| `classify_embedding` | `embedding` float32 [batch, size], from the signature `embedding` |

`embedding` returns `embedding` float32 [batch, size], what the model makes of each row before its last layers (zeros in
a row that cannot be judged), with `status` and `finding`. All others return `probabilities` float32 [batch, classes],
`emotion` string [batch], `confidence` float32 [batch] (the highest probability), `status` int32 [batch], `finding`
int32 [batch] and `labels` string [batch, classes], the emotions in the order of the probabilities. A row whose status
is not 0 (see `serving.status`) has probabilities and confidence 0 and an empty emotion; a finding says something of a
row that was judged, such as that its file was cut off. Models of a family that gives no embeddings lack the last two.
"""

from collections.abc import Callable

import tensorflow as tf

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.half_band import NARROW_RATE
from data_pipeline.audio.limits import LONGEST, LOUDEST, SHORTEST, SILENCE
from data_pipeline.audio.upsample import narrow_to_16_khz
from serving.export.encoded_audio import first_of, read_mulaw, read_wav
from serving.export.not_speech import is_not_speech
from serving.status import RowStatus
from training.run.recogniser import Recogniser

SERVING_DEFAULT = "serving_default"
WAV_BYTES = "wav_bytes"
MULAW_BYTES = "mulaw_bytes"
EMBEDDING = "embedding"
CLASSIFY_EMBEDDING = "classify_embedding"

Answer = dict[str, tf.Tensor]


def signatures(recogniser: Recogniser) -> dict[str, Callable[..., Answer]]:
    """The signatures of the SavedModel of a recogniser.

    Args:
        recogniser: The trained model; its front end must work at 16 kHz.

    Returns:
        `tf.function`s with fixed input signatures, by name.

    Raises:
        ValueError: If the front end works at another sampling rate, or the number of the model's outputs is not the
            number of labels.
    """
    if recogniser.front_end.sample_rate != SAMPLE_RATE:
        raise ValueError(
            f"signatures take {SAMPLE_RATE} Hz waveforms. "
            f"Received: a front end at {recogniser.front_end.sample_rate} Hz"
        )

    audio_and_states = [
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None], tf.int32),
        tf.TensorSpec([None], tf.int32),
    ]

    # All signatures of audio call this function, so the SavedModel contains the network only once.
    @tf.function(input_signature=audio_and_states, autograph=False)
    def hear(waveform: tf.Tensor, num_samples: tf.Tensor, status: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        status = check_content(waveform, num_samples, status)
        return _hear(recogniser, waveform, num_samples, status), status

    def answer(waveform: tf.Tensor, num_samples: tf.Tensor, status: tf.Tensor, finding: tf.Tensor) -> Answer:
        heard, status = hear(waveform, num_samples, status)
        return _answer(recogniser, recogniser.classify(heard) if recogniser.embedding_size else heard, status, finding)

    def of_one_batch(waveform: tf.Tensor, num_samples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # A check of shapes, not of content: one row of an input must never be broadcast to many rows of the other.
        same_batch = tf.debugging.assert_equal(
            tf.shape(num_samples)[0],
            tf.shape(waveform)[0],
            "waveform and num_samples must have the same batch size",
        )
        with tf.control_dependencies([same_batch]):
            return waveform, tf.identity(num_samples)

    waveforms = [
        tf.TensorSpec([None, None], tf.float32, name="waveform"),
        tf.TensorSpec([None], tf.int32, name="num_samples"),
    ]

    @tf.function(input_signature=waveforms, autograph=False)
    def serving_default(waveform: tf.Tensor, num_samples: tf.Tensor) -> Answer:
        waveform, num_samples = of_one_batch(waveform, num_samples)
        return answer(waveform, num_samples, check_waveform(waveform, num_samples), tf.zeros_like(num_samples))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="audio")], autograph=False)
    def wav_bytes(audio: tf.Tensor) -> Answer:
        rows = read_wav(audio)
        at_16_khz = _at_16_khz(rows.waveform, rows.num_samples, rows.sample_rate == NARROW_RATE)
        return answer(*at_16_khz, rows.status, rows.finding)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="audio")], autograph=False)
    def mulaw_bytes(audio: tf.Tensor) -> Answer:
        waveform, num_samples, status = read_mulaw(audio)
        return answer(narrow_to_16_khz(waveform), 2 * num_samples, status, tf.zeros_like(num_samples))

    of_audio = {SERVING_DEFAULT: serving_default, WAV_BYTES: wav_bytes, MULAW_BYTES: mulaw_bytes}
    if recogniser.embedding_size is None:
        return of_audio

    @tf.function(input_signature=waveforms, autograph=False)
    def embedding(waveform: tf.Tensor, num_samples: tf.Tensor) -> Answer:
        waveform, num_samples = of_one_batch(waveform, num_samples)
        values, status = hear(waveform, num_samples, check_waveform(waveform, num_samples))
        finite = tf.reduce_all(tf.math.is_finite(values), axis=1)
        status = tf.where((status == RowStatus.OK) & ~finite, int(RowStatus.NO_ANSWER), status)
        good = (status == RowStatus.OK)[:, tf.newaxis]
        return {"embedding": tf.where(good, values, 0.0), "status": status, "finding": tf.zeros_like(status)}

    @tf.function(
        input_signature=[tf.TensorSpec([None, recogniser.embedding_size], tf.float32, name="embedding")],
        autograph=False,
    )
    def classify_embedding(embedding: tf.Tensor) -> Answer:
        finite = tf.reduce_all(tf.math.is_finite(embedding), axis=1)
        status = tf.where(finite, int(RowStatus.OK), int(RowStatus.NOT_FINITE))
        probabilities = recogniser.classify(tf.where(finite[:, tf.newaxis], embedding, 0.0))
        return _answer(recogniser, probabilities, status, tf.zeros_like(status))

    return {**of_audio, EMBEDDING: embedding, CLASSIFY_EMBEDDING: classify_embedding}


def check_waveform(waveform: tf.Tensor, num_samples: tf.Tensor) -> tf.Tensor:
    """Check which rows of a batch can be answered.

    Args:
        waveform: float32 [batch, samples]. Samples after a row's `num_samples` are ignored.
        num_samples: int32 [batch].

    Returns:
        int32 [batch], a `RowStatus` for each row.
    """
    samples = tf.shape(waveform)[1]
    in_range = (num_samples >= 1) & (num_samples <= samples)
    finite = tf.math.is_finite(waveform) | ~tf.sequence_mask(num_samples, samples)
    return first_of(
        (~in_range, RowStatus.NUM_SAMPLES_OUT_OF_RANGE),
        (~tf.reduce_all(finite, axis=1), RowStatus.NOT_FINITE),
    )


def check_content(waveform: tf.Tensor, num_samples: tf.Tensor, status: tf.Tensor) -> tf.Tensor:
    """Check which rows hold what a model can judge: the part of `quality.unusable` that stock ops can do.

    Args:
        waveform: float32 [batch, samples] at 16 kHz. Samples after a row's `num_samples` are ignored.
        num_samples: int32 [batch].
        status: int32 [batch], why rows cannot be judged already.

    Returns:
        int32 [batch], a `RowStatus` for each row.
    """
    good = status == int(RowStatus.OK)
    num_samples = tf.where(good, num_samples, 0)
    audio = tf.where(tf.sequence_mask(num_samples, tf.shape(waveform)[1]), waveform, 0.0)
    # A batch may have no columns.
    peak = tf.reduce_max(tf.abs(tf.pad(audio, [[0, 0], [0, 1]])), axis=1)
    return tf.where(
        good,
        first_of(
            (peak > LOUDEST, RowStatus.OUT_OF_SCALE),
            (num_samples < round(SHORTEST * SAMPLE_RATE), RowStatus.TOO_SHORT),
            (num_samples > round(LONGEST * SAMPLE_RATE), RowStatus.TOO_LONG),
            (tf.round(peak * 32_768.0) < SILENCE, RowStatus.SILENT),
            (is_not_speech(audio, num_samples), RowStatus.NO_SPEECH),
        ),
        status,
    )


def _at_16_khz(waveform: tf.Tensor, num_samples: tf.Tensor, at_8_khz: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Upsample the rows that are at 8 kHz; a batch without such rows is returned unchanged."""

    def upsampled() -> tf.Tensor:
        doubled = narrow_to_16_khz(waveform)
        padded = tf.pad(waveform, [[0, 0], [0, tf.shape(waveform)[1]]])
        return tf.where(at_8_khz[:, tf.newaxis], doubled, padded)

    waveform = tf.cond(tf.reduce_any(at_8_khz), upsampled, lambda: waveform)
    return waveform, tf.where(at_8_khz, 2 * num_samples, num_samples)


def _hear(recogniser: Recogniser, waveform: tf.Tensor, num_samples: tf.Tensor, status: tf.Tensor) -> tf.Tensor:
    """Embeddings of the rows, or probabilities where the model gives none; rows that cannot be judged are silence."""
    audio = _audio_alone(waveform, tf.where(status == RowStatus.OK, num_samples, 0))
    heard = recogniser.embed(*audio) if recogniser.embedding_size else recogniser(*audio)
    return tf.cast(heard, tf.float32)[: tf.shape(waveform)[0]]


def _answer(recogniser: Recogniser, probabilities: tf.Tensor, status: tf.Tensor, finding: tf.Tensor) -> Answer:
    batch = tf.shape(probabilities)[0]
    good = status == RowStatus.OK
    if probabilities.shape[1] != len(recogniser.labels):
        raise ValueError(
            f"the model must have one output for each of {len(recogniser.labels)} labels. "
            f"Received: {probabilities.shape[1]} outputs"
        )
    finite = tf.reduce_all(tf.math.is_finite(probabilities), axis=1)
    status = tf.where(good & ~finite, int(RowStatus.NO_ANSWER), status)
    good = status == RowStatus.OK
    probabilities = tf.where(good[:, tf.newaxis], probabilities, 0.0)
    labels = tf.constant([str(label) for label in recogniser.labels])
    emotion = tf.gather(labels, tf.argmax(probabilities, axis=1))
    return {
        "probabilities": probabilities,
        "emotion": tf.where(good, emotion, ""),
        "confidence": tf.reduce_max(probabilities, axis=1),
        "status": status,
        "finding": tf.where(good, finding, 0),
        # For every row, since a server may merge and cut batches.
        "labels": tf.tile(labels[tf.newaxis], [batch, 1]),
    }


def _audio_alone(waveform: tf.Tensor, num_samples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Replace everything that is not a row's audio by silence, and cut off what follows the longest row.

    The result has at least one row, and each row at least one sample, so models need not handle less: a batch without
    rows becomes one row of silence, and a row without audio one sample of silence.
    """
    no_rows = tf.cast(tf.shape(waveform)[0] == 0, tf.int32)
    waveform = tf.pad(waveform, [[0, no_rows], [0, 1]])
    num_samples = tf.pad(num_samples, [[0, no_rows]])
    longest = tf.maximum(tf.reduce_max(num_samples), 1)
    audio = tf.where(tf.sequence_mask(num_samples, longest), waveform[:, :longest], 0.0)
    return audio, tf.maximum(num_samples, 1)
