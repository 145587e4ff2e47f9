"""Samples of recordings in numbers: how they sound, and what a run predicts for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from data_pipeline import input_pipeline
from data_pipeline.audio.decode import SAMPLE_RATE, padded_batch
from data_pipeline.dataset import Dataset
from data_pipeline.errors import SetAside
from data_pipeline.quality.recording import DEADLY, Recording
from data_pipeline.quality.signal import Signal, listen, signal_of
from data_pipeline.records.damage import damage_named
from data_pipeline.targets import Target
from data_pipeline.workers.pool import map_items
from training.evaluation.condition import Condition
from training.evaluation.evaluate import predict
from training.run.folder import Run
from training.temperature import scaled

MOST = 2_000
"""Largest number of recordings in a sample: more would make no figure clearer."""

_BATCH_SIZE = 16

_LONGEST = 30 * SAMPLE_RATE
"""Number of samples of a recording that a run predicts: its beginning, which sounds like the whole."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordingSample:
    """A sample of recordings in numbers.

    Attributes:
        signals: How they sound.
        probabilities: float [recordings, classes], what a run predicts for them, or for others like them.
        speakers: Number of their speakers; None where not all of them are named.
    """

    signals: tuple[Signal, ...]
    probabilities: np.ndarray
    speakers: int | None = None


def training_sample(run: Run, dataset: Dataset, channel: str) -> RecordingSample:
    """How the training clips of a run sound, and what it predicts for the validation clips.

    A run is too confident about the clips that it was trained on, so the predictions are those for the other split.

    Args:
        run: A run with weights.
        dataset: The dataset that it was trained on. Its shards are shuffled, so the first clips are a random sample.
        channel: Channel that the clips go through first; see `condition.channel_named`.

    Raises:
        UserError: If the dataset lacks a split, or there is no such channel.
    """
    condition = Condition("validation", channel)
    clips = input_pipeline.waveforms(
        dataset, "train", batch_size=_BATCH_SIZE, target=Target(run.labels), channel=condition.telephone
    )
    signals = []
    with damage_named(dataset):
        for features, _ in clips.take(MOST // _BATCH_SIZE).as_numpy_iterator():
            for waveform, samples in zip(features["waveform"], features["num_samples"], strict=True):
                pcm = np.clip(np.round(waveform[:samples] * 32_768), -32_768, 32_767).astype(np.int16)
                signals.append(signal_of(pcm))
    return RecordingSample(tuple(signals), predict(run, dataset, condition).probabilities)


def new_sample(
    run: Run, recordings: Sequence[Recording], workers: int, on_progress: Callable[[str, int, int], object]
) -> tuple[RecordingSample, tuple[SetAside, ...]]:
    """How new recordings sound, and what a run predicts for them.

    Args:
        run: A run with weights.
        recordings: Any number of recordings; at most `MOST` of them, evenly spaced, are used.
        workers: Number of processes that decode.
        on_progress: Called with what is being done, how much of it is done, and how much there is.

    Returns:
        The recordings that can be used, and those that cannot.
    """
    chosen = [recordings[place] for place in np.unique(np.linspace(0, len(recordings) - 1, MOST).astype(int))]
    signals = map_items(listen, chosen, workers, lambda done: on_progress("measuring", done, len(chosen)))
    found = [(recording, signal or DEADLY) for recording, signal in zip(chosen, signals, strict=True)]
    usable = [(recording, signal) for recording, signal in found if isinstance(signal, Signal)]
    unusable = [SetAside(recording.title, reason) for recording, reason in found if isinstance(reason, str)]
    probabilities = _predict(run, [recording for recording, _ in usable], on_progress)
    named = {(recording.corpus, recording.speaker) for recording, _ in usable}
    speakers = len(named) if all(speaker for _, speaker in named) else None
    return RecordingSample(tuple(signal for _, signal in usable), probabilities, speakers), tuple(unusable)


def _predict(run: Run, recordings: Sequence[Recording], on_progress: Callable[[str, int, int], object]) -> np.ndarray:
    recogniser = run.recogniser()
    parts = [np.empty((0, len(run.labels)), np.float32)]
    for start in range(0, len(recordings), _BATCH_SIZE):
        waveforms = [_beginning(recording) for recording in recordings[start : start + _BATCH_SIZE]]
        # Arrays, since JAX takes no tensors of TensorFlow.
        features = tf.nest.map_structure(np.asarray, run.front_end.inputs(*map(tf.constant, padded_batch(waveforms))))
        parts.append(recogniser.model.predict_on_batch(features))
        on_progress("predicting", start + len(waveforms), len(recordings))
    return scaled(np.concatenate(parts), recogniser.temperature)


def _beginning(recording: Recording) -> np.ndarray:
    """The waveform, float32 [samples] at 16 kHz."""
    pcm = recording.decode()
    return pcm[:_LONGEST].astype(np.float32) / 32_768
