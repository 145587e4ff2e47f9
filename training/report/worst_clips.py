"""The clips that a run got most wrong, to be seen and heard on its page."""

import base64
import html
import io
import wave
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from data_pipeline import input_pipeline
from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.dataset import Dataset
from data_pipeline.pages.style import new_figure, png, styled
from data_pipeline.plots.signals import draw_spectrogram, loudest, mel, spectrogram_of
from data_pipeline.targets import Target
from training.evaluation.condition import channel_named

LONGEST = 3.0
"""Seconds of a clip that are shown and heard: with six clips a condition about a megabyte of page."""

_FREQUENCIES = (500, 1_500, 4_000)
"""Hertz, of the marks on the axis: so small a picture has room for few."""


def worst_clips_section(metrics: Mapping[str, Any], dataset: Dataset | None) -> list[str]:
    """Cards of the worst clips of one condition.

    Args:
        metrics: Of the condition.
        dataset: That the clips are in. Without it, or with another one, cards tell of the clips and show nothing.
    """
    worst = metrics.get("worst")
    if not worst:
        return []
    sounds: dict[int, np.ndarray] = {}
    if dataset is not None and dataset.fingerprint == metrics["fingerprint"]:
        sounds = _sounds(dataset, metrics, [clip["place"] for clip in worst])
    cards = "".join(_card(clip, sounds.get(clip["place"]), metrics["measured_against"]) for clip in worst)
    heard = (
        f" Shown and heard: the first {LONGEST:g} s, as the model was given them. This page holds people's voices; "
        "handle it as the recordings themselves."
        if sounds
        else ""
    )
    return [
        "<h3>Most wrong</h3>",
        f"<p class=quiet>Wrong answers that left the least probability for the right one.{heard}</p>",
        f"<div class=clips>{cards}</div>",
    ]


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
    return {int(place): waveform for place, waveform in found.as_numpy_iterator()}


def _card(clip: Mapping[str, Any], waveform: np.ndarray | None, measured_against: str) -> str:
    votes = ", ".join(f"{emotion} {count}" for emotion, count in clip.get("votes", {}).items())
    words = (
        f"<p><code>{html.escape(clip['name'])}</code> of {html.escape(clip['speaker'])}</p>"
        f"<p>{measured_against} <b>{html.escape(clip['right'])}</b> ({clip['probability']:.1%}), answered "
        f"<b>{html.escape(clip['answer'])}</b> ({clip['confidence']:.1%})</p>"
        + (f"<p class=quiet>listeners heard {html.escape(votes)}</p>" if votes else "")
    )
    return f"<div class=clip>{words}{'' if waveform is None else _seen_and_heard(waveform, clip['name'])}</div>"


def _seen_and_heard(waveform: np.ndarray, name: str) -> str:
    part = waveform[: round(LONGEST * SAMPLE_RATE)]
    picture = base64.b64encode(_picture(part)).decode()
    sound = base64.b64encode(wav(part)).decode()
    return (
        f"<img src='data:image/png;base64,{picture}' alt='log-mel spectrogram of {html.escape(name)}'>"
        f"<audio controls preload=none src='data:audio/wav;base64,{sound}'></audio>"
    )


@styled
def _picture(waveform: np.ndarray) -> bytes:
    settings = LogMelSettings()
    spectrogram = spectrogram_of(waveform, settings)
    figure = new_figure(1.3, 3.6)
    axes = figure.subplots()
    draw_spectrogram(axes, spectrogram, settings, loudest(spectrogram))
    axes.set_yticks([mel(frequency) for frequency in _FREQUENCIES], [f"{frequency:,}" for frequency in _FREQUENCIES])
    axes.set_xlabel("seconds")
    axes.set_ylabel("Hz")
    return png(figure)


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
