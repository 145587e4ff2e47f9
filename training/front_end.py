"""What a model receives of a clip: its log-mel spectrogram, its samples, or several of these for an ensemble."""

import itertools
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol

import tensorflow as tf

from data_pipeline import input_pipeline
from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.log_mel import LogMelSettings, log_mel, num_frames
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from training.accelerator import compiles

_COMPILED_LENGTHS = SAMPLE_RATE // 2
"""Samples. Where a model is compiled for each length of a batch, lengths are multiples of this: then there are few."""


class FrontEnd(Protocol):
    """From waveforms to what a model is called with."""

    @property
    def sample_rate(self) -> int:
        """Sampling rate of the waveform in Hz."""

    def inputs(self, waveform: tf.Tensor, num_samples: tf.Tensor) -> dict[str, Any]:
        """The inputs of the model, by name.

        Args:
            waveform: float32 [batch, samples], full scale ±1.
            num_samples: int32 [batch], each from 1 to samples.
        """

    def batches(self, dataset: Dataset, split: str, **options: Any) -> tf.data.Dataset:
        """Batches of a dataset's clips, as (inputs, labels).

        Args:
            dataset: A prepared dataset.
            split: Name of the split.
            **options: Arguments of `input_pipeline.waveforms`.
        """

    def padding(self) -> dict[str, float]:
        """What follows a clip's end in each input that has a time axis, by name."""

    def to_config(self) -> dict[str, Any]:
        """The settings as `config.json` has them; `kind` says which front end it is."""


@dataclass(frozen=True, slots=True)
class LogMelFrontEnd:
    """Log-mel spectrograms: `log_mel` float32 [batch, frames, bands] and `num_frames` int32 [batch].

    Attributes:
        settings: Settings of the spectrogram.
    """

    kind: ClassVar[str] = "log_mel"
    settings: LogMelSettings = field(default_factory=LogMelSettings)

    @property
    def sample_rate(self) -> int:
        """See `FrontEnd`."""
        return self.settings.sample_rate

    def inputs(self, waveform: tf.Tensor, num_samples: tf.Tensor) -> dict[str, Any]:
        """See `FrontEnd`."""
        return {
            "log_mel": log_mel(waveform, self.settings),
            "num_frames": num_frames(num_samples, self.settings),
        }

    def batches(self, dataset: Dataset, split: str, **options: Any) -> tf.data.Dataset:
        """See `FrontEnd`. Spectrograms can be augmented as well: the options are those of `input_pipeline.log_mels`."""
        return input_pipeline.log_mels(dataset, split, settings=self.settings, **options)

    def padding(self) -> dict[str, float]:
        """See `FrontEnd`."""
        return {"log_mel": self.settings.floor}

    def to_config(self) -> dict[str, Any]:
        """See `FrontEnd`."""
        return {"kind": self.kind, **asdict(self.settings)}

    @classmethod
    def from_config(cls, settings: dict[str, Any]) -> "LogMelFrontEnd":
        """The inverse of `to_config`, without `kind`."""
        return cls(LogMelSettings(**settings))


@dataclass(frozen=True, slots=True)
class WaveformFrontEnd:
    """The samples: `waveform` float32 [batch, samples] and `num_samples` int32 [batch].

    Attributes:
        sample_rate: Sampling rate in Hz.
    """

    kind: ClassVar[str] = "waveform"
    sample_rate: int = SAMPLE_RATE

    def inputs(self, waveform: tf.Tensor, num_samples: tf.Tensor) -> dict[str, Any]:
        """See `FrontEnd`."""
        return {"waveform": waveform, "num_samples": num_samples}

    def batches(self, dataset: Dataset, split: str, **options: Any) -> tf.data.Dataset:
        """See `FrontEnd`."""
        return input_pipeline.waveforms(dataset, split, multiple=_COMPILED_LENGTHS if compiles() else 1, **options)

    def padding(self) -> dict[str, float]:
        """See `FrontEnd`."""
        return {"waveform": 0.0}

    def to_config(self) -> dict[str, Any]:
        """See `FrontEnd`."""
        return {"kind": self.kind, "sample_rate": self.sample_rate}

    @classmethod
    def from_config(cls, settings: dict[str, Any]) -> "WaveformFrontEnd":
        """The inverse of `to_config`, without `kind`."""
        return cls(**settings)


@dataclass(frozen=True, slots=True)
class SeveralFrontEnds:
    """What the members of an ensemble receive: each front end once, under its number as text, from `0`.

    Attributes:
        parts: One or more different front ends with the same sampling rate.
    """

    kind: ClassVar[str] = "several"
    parts: tuple[FrontEnd, ...]

    @classmethod
    def of(cls, front_ends: Iterable[FrontEnd]) -> "SeveralFrontEnds":
        """Each of these once, in their order.

        Args:
            front_ends: One or more.
        """
        parts = [one.parts if isinstance(one, cls) else (one,) for one in front_ends]
        return cls(tuple(dict.fromkeys(itertools.chain.from_iterable(parts))))

    def __post_init__(self) -> None:
        if len({part.sample_rate for part in self.parts}) != 1 or len(set(self.parts)) != len(self.parts):
            raise ValueError(f"parts must be different, at one sampling rate. Received: {self.parts}")

    @property
    def sample_rate(self) -> int:
        """See `FrontEnd`."""
        return self.parts[0].sample_rate

    def inputs(self, waveform: tf.Tensor, num_samples: tf.Tensor) -> dict[str, Any]:
        """See `FrontEnd`."""
        return {str(number): part.inputs(waveform, num_samples) for number, part in enumerate(self.parts)}

    def batches(self, dataset: Dataset, split: str, **options: Any) -> tf.data.Dataset:
        """See `FrontEnd`. Spectrograms are not augmented."""
        clips = WaveformFrontEnd().batches(dataset, split, **options)
        return clips.map(
            lambda clip, labels: (self.inputs(clip["waveform"], clip["num_samples"]), labels), tf.data.AUTOTUNE
        )

    def padding(self) -> dict[str, float]:
        """See `FrontEnd`. An ensemble is not trained as one, so that nothing is padded."""
        return {}

    def to_config(self) -> dict[str, Any]:
        """See `FrontEnd`."""
        return {"kind": self.kind, "parts": [part.to_config() for part in self.parts]}

    @classmethod
    def from_config(cls, settings: dict[str, Any]) -> "SeveralFrontEnds":
        """The inverse of `to_config`, without `kind`."""
        return cls.of(map(front_end_from_config, settings["parts"]))


_KINDS = {front_end.kind: front_end for front_end in (LogMelFrontEnd, WaveformFrontEnd, SeveralFrontEnds)}


def front_end_from_config(config: dict[str, Any]) -> FrontEnd:
    """The front end that `FrontEnd.to_config` described.

    Raises:
        UserError: If there is no such kind, or it has other settings.
    """
    settings = dict(config)
    try:
        return _KINDS[settings.pop("kind")].from_config(settings)
    except (KeyError, TypeError, ValueError, UserError) as error:
        raise UserError(
            f"front_end in config.json is none that this version knows ({error!r}): train the run again"
        ) from error
