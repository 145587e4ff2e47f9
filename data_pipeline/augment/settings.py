"""How strongly training clips are changed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from data_pipeline.audio.g711 import LAWS, Law
from data_pipeline.errors import UserError

Range = tuple[float, float]
"""The lowest and the highest value that may be drawn."""

_SHARES = ("noise", "speed", "reverberation", "telephone", "telephone_packet_loss")

_AT_LEAST_ZERO = ("shift", "gain", "trim", "fade", "bands", "band_masks", "frames", "frame_masks", "mixup")

_BOUNDS: dict[str, Range] = {
    "noise_snr": (-20.0, 100.0),
    "noise_exponent": (-2.0, 4.0),
    "speed_factor": (0.5, 2.0),
    "reverberation_time": (0.05, 3.0),
    "direct_to_reverberant": (-20.0, 60.0),
}
"""Settings that are ranges, with the limits of their ends."""


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """How strongly training clips are changed; zero switches a change off.

    The figures of the README were measured with the defaults. Changes are made in this order: a clip is trimmed, played
    faster or slower, cropped and faded, reverberated, mixed with noise, amplified, and sent through a telephone
    channel. Masks and mixup come last, on spectrograms.

    Attributes:
        trim: Decibels below the peak of a clip; samples at its start and its end that are softer are cut off.
        speed: Share of clips that are played faster or slower, which changes tempo and pitch together.
        speed_factor: Range of the factor of the speed; 1.1 is a tenth faster.
        shift: Seconds by which a crop may start before or after the start of the clip.
        fade: Seconds over which a crop fades in and out.
        reverberation: Share of clips that get the reverberation of a room.
        reverberation_time: Range of the RT60 of the room in seconds.
        direct_to_reverberant: Range of the energy of the direct sound over that of the reflections, in decibels.
        noise: Share of clips that noise is added to.
        noise_snr: Range of the signal-to-noise ratio in decibels.
        noise_exponent: Range of the exponent by which the power of the noise falls with frequency: 0 is white, 1 pink,
            2 brown noise.
        noise_folder: Folder of recordings (or its URL) to take noise from, or None for coloured noise.
        gain: Decibels by which a clip may be amplified or attenuated.
        telephone: Share of clips that go through a telephone channel.
        telephone_laws: Companding laws of G.711, one of which is drawn for each of these clips.
        telephone_packet_loss: Share of the packets that the channel loses.
        bands: Width of SpecAugment's widest frequency mask, in mel bands.
        band_masks: Number of frequency masks per clip.
        frames: Length of SpecAugment's longest time mask, in frames.
        frame_masks: Number of time masks per clip.
        mixup: Both parameters of the beta distribution that mixup draws its share from.

    Raises:
        UserError: If a value is out of its range.
    """

    shift: float = 0.3
    gain: float = 6.0
    bands: int = 10
    band_masks: int = 2
    frames: int = 30
    frame_masks: int = 2
    mixup: float = 0.2
    trim: float = 0.0
    speed: float = 0.0
    speed_factor: Range = (0.9, 1.1)
    fade: float = 0.0
    reverberation: float = 0.0
    reverberation_time: Range = (0.2, 0.8)
    direct_to_reverberant: Range = (0.0, 15.0)
    noise: float = 0.0
    noise_snr: Range = (5.0, 30.0)
    noise_exponent: Range = (0.0, 2.0)
    noise_folder: str | None = None
    telephone: float = 0.0
    telephone_laws: tuple[Law, ...] = LAWS
    telephone_packet_loss: float = 0.0

    def __post_init__(self) -> None:
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"{name} is {getattr(self, name)!r}: give a share between 0 and 1")
        for name in _AT_LEAST_ZERO:
            if not 0 <= getattr(self, name) < float("inf"):
                raise UserError(f"{name} is {getattr(self, name)!r}: give 0 (off) or more")
        for name, (least, greatest) in _BOUNDS.items():
            low, high = getattr(self, name)
            if not least <= low <= high <= greatest:
                raise UserError(
                    f"{name} is {low!r} to {high!r}: give two numbers from {least:g} to {greatest:g}, the lower first"
                )
        if not self.telephone_laws or not set(self.telephone_laws) <= set(LAWS):
            raise UserError(f"telephone_laws is {self.telephone_laws!r}: give one or more of {', '.join(LAWS)}")

    @classmethod
    def off(cls) -> "AugmentSettings":
        """No change at all."""
        return cls(shift=0.0, gain=0.0, band_masks=0, frame_masks=0, mixup=0.0)

    @classmethod
    def strong(cls, noise_folder: str | None = None) -> "AugmentSettings":
        """Every change, for models that are to cope with rooms, noise and telephones.

        Args:
            noise_folder: See the attribute `noise_folder`.
        """
        return cls(
            trim=40.0,
            speed=0.5,
            fade=0.01,
            reverberation=0.3,
            noise=0.5,
            noise_folder=noise_folder,
            telephone=0.5,
            telephone_packet_loss=0.02,
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "AugmentSettings":
        """The settings from the JSON form of `dataclasses.asdict`, in which tuples are lists.

        Args:
            content: Values of fields; missing fields have their defaults.

        Raises:
            UserError: If a field is unknown or its value out of range.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(content) - known):
            raise UserError(f"{', '.join(unknown)}: no such augmentation; there are {', '.join(sorted(known))}")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
        }
        try:
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"the augmentation settings are garbled ({error}): compare them with the defaults"
            ) from error
