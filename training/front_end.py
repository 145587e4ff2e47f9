"""What a model is given of a clip: its log-mel spectrogram, or its samples as they are."""

from dataclasses import asdict, dataclass
from typing import Any

import tensorflow as tf

from data_pipeline import datasets
from data_pipeline.dataset import Dataset
from data_pipeline.decode import SAMPLE_RATE
from data_pipeline.errors import UserError
from data_pipeline.log_mel import LogMelSettings, log_mel, num_frames
from training.accelerator import compiles


@dataclass(frozen=True, slots=True)
class WaveformSettings:
    """Samples as they are.

    Attributes:
        sample_rate: In Hz.
    """

    sample_rate: int = SAMPLE_RATE


_WORTH_COMPILING = SAMPLE_RATE // 2
"""Samples. Where a model is compiled for each length of a batch, lengths are multiples of this, hence few."""

FrontEnd = LogMelSettings | WaveformSettings

_KINDS: dict[str, type[LogMelSettings] | type[WaveformSettings]] = {
    "log_mel": LogMelSettings,
    "waveform": WaveformSettings,
}


def inputs(front_end: FrontEnd, waveform: tf.Tensor, num_samples: tf.Tensor) -> dict[str, tf.Tensor]:
    """What a model is called with.

    Args:
        front_end: Which kind, and its settings.
        waveform: float32 [batch, samples], 16 kHz, full scale ±1.
        num_samples: int32 [batch], each from 1 to samples.

    Returns:
        `{"log_mel": float32 [batch, frames, bands], "num_frames": int32 [batch]}`, or the two arguments by name.
    """
    if isinstance(front_end, LogMelSettings):
        return {"log_mel": log_mel(waveform, front_end), "num_frames": num_frames(num_samples, front_end)}
    return {"waveform": waveform, "num_samples": num_samples}


def batches(front_end: FrontEnd, dataset: Dataset, split: str, **options: Any) -> tf.data.Dataset:
    """Batches of a dataset's clips: `datasets.log_mels` or `datasets.waveforms`, whose other arguments follow."""
    if isinstance(front_end, LogMelSettings):
        return datasets.log_mels(dataset, split, settings=front_end, **options)
    return datasets.waveforms(dataset, split, multiple=_WORTH_COMPILING if compiles() else 1, **options)


def to_config(front_end: FrontEnd) -> dict[str, Any]:
    """The settings for `config.json`."""
    kind = next(name for name, settings in _KINDS.items() if isinstance(front_end, settings))
    return {"kind": kind, **asdict(front_end)}


def from_config(config: dict[str, Any]) -> FrontEnd:
    """The settings that `to_config` wrote.

    Raises:
        UserError: If there is no such kind, or it has other settings.
    """
    settings = dict(config)
    try:
        return _KINDS[settings.pop("kind")](**settings)
    except (KeyError, TypeError) as error:
        raise UserError(
            f"front_end in config.json is none that this version knows ({error!r}): train the run again"
        ) from error
