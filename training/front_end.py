"""What a model is given of a clip: its log-mel spectrogram, its samples as they are, or several such together."""

import itertools
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import tensorflow as tf

from data_pipeline import input_pipeline
from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.log_mel import LogMelSettings, log_mel, num_frames
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from training.accelerator import compiles


@dataclass(frozen=True, slots=True)
class WaveformSettings:
    """Samples as they are.

    Attributes:
        sample_rate: In Hz.
    """

    sample_rate: int = SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class SeveralFrontEnds:
    """What an ensemble's members are given: each front end once, however many of them hear through it.

    Attributes:
        parts: One or more, no two alike, at the same sampling rate.
    """

    parts: tuple[LogMelSettings | WaveformSettings, ...]

    @classmethod
    def of(cls, front_ends: "Iterable[FrontEnd]") -> "SeveralFrontEnds":
        """Each of these once, in their order.

        Args:
            front_ends: One or more.
        """
        parts = [one.parts if isinstance(one, SeveralFrontEnds) else (one,) for one in front_ends]
        return cls(tuple(dict.fromkeys(itertools.chain.from_iterable(parts))))

    def __post_init__(self) -> None:
        if len({part.sample_rate for part in self.parts}) != 1 or len(set(self.parts)) != len(self.parts):
            raise ValueError(f"parts must be different, at one sampling rate. Received: {self.parts}")

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        return self.parts[0].sample_rate


_WORTH_COMPILING = SAMPLE_RATE // 2
"""Samples. Where a model is compiled for each length of a batch, lengths are multiples of this, hence few."""

FrontEnd = LogMelSettings | WaveformSettings | SeveralFrontEnds

_KINDS: dict[str, type[LogMelSettings] | type[WaveformSettings]] = {
    "log_mel": LogMelSettings,
    "waveform": WaveformSettings,
}

_SEVERAL = "several"


def inputs(front_end: FrontEnd, waveform: tf.Tensor, num_samples: tf.Tensor) -> dict[str, Any]:
    """What a model is called with.

    Args:
        front_end: Which kind, and its settings.
        waveform: float32 [batch, samples], 16 kHz, full scale ±1.
        num_samples: int32 [batch], each from 1 to samples.

    Returns:
        `{"log_mel": float32 [batch, frames, bands], "num_frames": int32 [batch]}`, or the two arguments by name;
        of several front ends what each gives, under its number as text, from `0`.
    """
    if isinstance(front_end, SeveralFrontEnds):
        return {str(number): inputs(part, waveform, num_samples) for number, part in enumerate(front_end.parts)}
    if isinstance(front_end, LogMelSettings):
        return {"log_mel": log_mel(waveform, front_end), "num_frames": num_frames(num_samples, front_end)}
    return {"waveform": waveform, "num_samples": num_samples}


def batches(front_end: FrontEnd, dataset: Dataset, split: str, **options: Any) -> tf.data.Dataset:
    """Batches of a dataset's clips, from `input_pipeline.log_mels` or `waveforms`, whose other arguments follow.

    Where there are several front ends, there are no changes to spectrograms.
    """
    if isinstance(front_end, LogMelSettings):
        return input_pipeline.log_mels(dataset, split, settings=front_end, **options)
    clips = input_pipeline.waveforms(dataset, split, multiple=_WORTH_COMPILING if compiles() else 1, **options)
    if isinstance(front_end, SeveralFrontEnds):
        return clips.map(
            lambda heard, labels: (inputs(front_end, heard["waveform"], heard["num_samples"]), labels), tf.data.AUTOTUNE
        )
    return clips


def padding(front_end: FrontEnd) -> dict[str, float]:
    """What fills up a model's inputs [batch, time, ...] behind a clip's end, by their names."""
    return {"log_mel": front_end.floor} if isinstance(front_end, LogMelSettings) else {"waveform": 0.0}


def to_config(front_end: FrontEnd) -> dict[str, Any]:
    """The settings for `config.json`."""
    if isinstance(front_end, SeveralFrontEnds):
        return {"kind": _SEVERAL, "parts": [to_config(part) for part in front_end.parts]}
    kind = next(name for name, settings in _KINDS.items() if isinstance(front_end, settings))
    return {"kind": kind, **asdict(front_end)}


def from_config(config: dict[str, Any]) -> FrontEnd:
    """The settings that `to_config` wrote.

    Raises:
        UserError: If there is no such kind, or it has other settings.
    """
    settings = dict(config)
    try:
        if settings.get("kind") == _SEVERAL:
            return SeveralFrontEnds.of(map(from_config, settings["parts"]))
        return _KINDS[settings.pop("kind")](**settings)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"front_end in config.json is none that this version knows ({error!r}): train the run again"
        ) from error
