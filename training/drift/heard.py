"""What is known of recordings as numbers: how they sound, and what a run answers to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from data_pipeline import input_pipeline
from data_pipeline.audio.decode import SAMPLE_RATE, decode
from data_pipeline.dataset import Dataset
from data_pipeline.errors import SetAside
from data_pipeline.quality.recording import Recording
from data_pipeline.quality.signal import Signal, listen, signal_of
from data_pipeline.quality.workers import in_processes
from data_pipeline.targets import Target
from training.evaluation.condition import Condition, channel_named
from training.evaluation.evaluate import predict
from training.front_end import inputs
from training.run.folder import Run
from training.temperature import scaled

MOST = 2_000
"""Recordings that are gone through: more make no figure clearer that a decision hangs on."""

_BATCH_SIZE = 16

_LONGEST = 30 * SAMPLE_RATE
"""Samples of a recording that a run is asked about: its beginning tells how the whole sounds."""

_DEADLY = "crashes or blocks the decoder: its data are broken"


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Recordings in numbers.

    Attributes:
        signals: How they sound.
        probabilities: float [recordings, classes], what a run answers to them, or to others like them.
    """

    signals: tuple[Signal, ...]
    probabilities: np.ndarray


def training_clips(run: Run, dataset: Dataset, channel: str) -> Heard:
    """How the clips sound that a run has learned from, and what it answers to those that it has not.

    Answers are of the validation side: to what it has learned by heart, a run answers as it was taught.

    Args:
        run: With weights.
        dataset: That it was trained on; its shards are mixed, so that the first clips are a fair sample.
        channel: What the clips go through first; see `channel.channel_named`.

    Raises:
        UserError: If the dataset lacks a side, or there is no such channel.
    """
    clips = input_pipeline.waveforms(
        dataset, "train", batch_size=_BATCH_SIZE, target=Target(run.labels), channel=channel_named(channel)
    )
    signals = []
    for features, _ in clips.take(MOST // _BATCH_SIZE).as_numpy_iterator():
        for waveform, samples in zip(features["waveform"], features["num_samples"], strict=True):
            pcm = np.clip(np.round(waveform[:samples] * 32_768), -32_768, 32_767).astype(np.int16)
            signals.append(signal_of(pcm))
    return Heard(tuple(signals), predict(run, dataset, Condition("validation", channel)).probabilities)


def recordings_now(
    run: Run, recordings: Sequence[Recording], workers: int, on_progress: Callable[[str, int, int], object]
) -> tuple[Heard, tuple[SetAside, ...]]:
    """How recordings sound, and what a run answers to them.

    Args:
        run: With weights.
        recordings: Of any number; `MOST` of them, evenly spaced, are listened to.
        workers: Processes that decode.
        on_progress: Called with what is done, how much of it, and how much there is.

    Returns:
        The recordings that can be used, and the others.
    """
    chosen = [recordings[place] for place in np.unique(np.linspace(0, len(recordings) - 1, MOST).astype(int))]
    done = 0

    def count(number: int) -> None:
        nonlocal done
        done += number
        on_progress("measuring", done, len(chosen))

    found = list(zip(chosen, in_processes(listen, chosen, workers, _deadly, count), strict=True))
    usable = [(recording, signal) for recording, signal in found if isinstance(signal, Signal)]
    unusable = [SetAside(recording.title, reason) for recording, reason in found if isinstance(reason, str)]
    answers = _answers(run, [recording for recording, _ in usable], on_progress)
    return Heard(tuple(signal for _, signal in usable), answers), tuple(unusable)


def _deadly(recording: Recording) -> str:  # noqa: ARG001
    return _DEADLY


def _answers(run: Run, recordings: Sequence[Recording], on_progress: Callable[[str, int, int], object]) -> np.ndarray:
    recogniser = run.recogniser()
    parts = [np.empty((0, len(run.labels)), np.float32)]
    for start in range(0, len(recordings), _BATCH_SIZE):
        waveforms = [_beginning(recording) for recording in recordings[start : start + _BATCH_SIZE]]
        lengths = np.array([len(waveform) for waveform in waveforms], np.int32)
        batch = np.zeros((len(waveforms), lengths.max()), np.float32)
        for row, waveform in zip(batch, waveforms, strict=True):
            row[: len(waveform)] = waveform
        features = inputs(run.front_end, tf.constant(batch), tf.constant(lengths))
        parts.append(recogniser.model.predict_on_batch(features))
        on_progress("asking the model", start + len(waveforms), len(recordings))
    return scaled(np.concatenate(parts), recogniser.temperature)


def _beginning(recording: Recording) -> np.ndarray:
    """float32 [samples] at 16 kHz."""
    pcm = decode(recording.location, recording.start, recording.end)
    return pcm[:_LONGEST].astype(np.float32) / 32_768
