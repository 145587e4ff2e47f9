"""The clips that a run got most wrong, to look at and listen to."""

import io
import wave
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from data_pipeline import input_pipeline
from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.dataset import Dataset
from data_pipeline.pages import Audio, Group, Piece, Text, Word
from data_pipeline.pages.figures import Size, new_figure, plot, styled
from data_pipeline.plots.signals import draw_spectrogram, loudest, mel, spectrogram_of
from data_pipeline.records.damage import damage_named
from data_pipeline.targets import Target
from training.evaluation.condition import channel_named

LONGEST = 3.0
"""Maximum number of seconds of a clip that are shown and played: six clips make about a megabyte of page."""

_FREQUENCIES = (500, 1_500, 4_000)
"""Marks on the frequency axis, in Hz: so small a picture has room for few."""


def worst_clips(metrics: Mapping[str, Any], number: int, dataset: Dataset | None) -> list[Piece]:
    """Cards of the worst clips of one condition.

    Args:
        metrics: Metrics of the condition.
        number: Number of the condition on its page.
        dataset: The data of the clips. Without it, or with another dataset, cards have neither picture nor sound.
    """
    worst = metrics.get("worst")
    if not worst:
        return []
    sounds: dict[int, np.ndarray] = {}
    if dataset is not None and dataset.fingerprint == metrics["fingerprint"]:
        sounds = _sounds(dataset, metrics, [clip["place"] for clip in worst])
    explanation = "Wrong answers with the least probability for the right emotion."
    if sounds:
        explanation += (
            f" Pictures and sound: the first {LONGEST:g} s, as the model receives them. This page contains people's "
            "voices; handle it like the recordings themselves."
        )
    cards = [
        Group(
            [*_words(clip, metrics["measured_against"]), *_picture_and_sound(clip, sounds, f"worst-{number}-{place}")],
            "card",
        )
        for place, clip in enumerate(worst)
    ]
    return [Text("Most wrong", "heading"), Text(explanation, "quiet"), Group(cards, "grid")]


def _sounds(dataset: Dataset, metrics: Mapping[str, Any], places: Sequence[int]) -> dict[int, np.ndarray]:
    """Waveforms by their places, through the channel of the condition."""
    batches = input_pipeline.waveforms(
        dataset,
        metrics["split"],
        batch_size=1,
        target=Target(tuple(metrics["labels"]), metrics["measured_against"]),
        channel=channel_named(metrics["channel"], metrics["packet_loss"]),
    )
    wanted = tf.constant(sorted(places), tf.int64)
    found = (
        batches.enumerate()
        .take(max(places) + 1)
        .filter(lambda place, _: tf.reduce_any(wanted == place))
        .map(lambda place, batch: (place, batch[0]["waveform"][0]))
    )
    with damage_named(dataset):
        return {int(place): waveform for place, waveform in found.as_numpy_iterator()}


def _words(clip: Mapping[str, Any], measured_against: str) -> list[Piece]:
    right, answer = Word(clip["right"], "strong"), Word(clip["answer"], "strong")
    words: list[Piece] = [
        Text((Word(clip["name"], "code"), " of ", Word(clip["speaker"], "code"))),
        Text(
            (
                *(f"{measured_against} ", right, f" ({clip['probability']:.1%}), "),
                *("answered ", answer, f" ({clip['confidence']:.1%})"),
            )
        ),
    ]
    if votes := ", ".join(f"{emotion} {count}" for emotion, count in clip.get("votes", {}).items()):
        words.append(Text(f"votes of listeners: {votes}", "quiet"))
    return words


def _picture_and_sound(clip: Mapping[str, Any], sounds: Mapping[int, np.ndarray], name: str) -> list[Piece]:
    if clip["place"] not in sounds:
        return []
    part = sounds[clip["place"]][: round(LONGEST * SAMPLE_RATE)]
    picture = plot(name, partial(_spectrogram, part), f"log-mel spectrogram of {clip['name']}", small=True)
    return [picture, Audio(wav(part), f"recording {clip['name']}")]


@styled
def _spectrogram(waveform: np.ndarray, *, size: Size) -> Figure:
    settings = LogMelSettings()
    spectrogram = spectrogram_of(waveform, settings)
    figure = new_figure(1.5, size)
    axes = figure.subplots()
    draw_spectrogram(axes, spectrogram, settings, loudest(spectrogram))
    axes.set_yticks([mel(frequency) for frequency in _FREQUENCIES], [f"{frequency:,}" for frequency in _FREQUENCIES])
    axes.set_xlabel("seconds")
    axes.set_ylabel("Hz")
    return figure


def wav(waveform: np.ndarray) -> bytes:
    """A WAV file's content: 16-bit PCM at 16 kHz, one channel.

    Args:
        waveform: float32 [samples], full scale ±1.
    """
    pcm = np.clip(np.round(waveform * 32_768), -32_768, 32_767).astype("<i2")
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(pcm.tobytes())
    return content.getvalue()
