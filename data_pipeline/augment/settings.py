"""How strongly training clips are changed."""

from dataclasses import dataclass
from typing import Annotated

from data_pipeline.audio.g711 import LAWS, Law
from data_pipeline.errors import UserError
from data_pipeline.settings import Field, Flag, Listed, Range, Settings

Interval = tuple[float, float]
"""The smallest and the largest value that may be drawn."""

_BOUNDS: dict[str, Interval] = {
    "noise_snr": (-20.0, 100.0),
    "noise_exponent": (-2.0, 4.0),
    "speed_factor": (0.5, 2.0),
    "reverberation_time": (0.05, 3.0),
    "direct_to_reverberant": (-20.0, 60.0),
}
"""Limits of the intervals."""


@dataclass(frozen=True, slots=True)
class AugmentSettings(Settings):
    """How strongly training clips are changed; zeros switch a change off. Each setting is described in its field.

    The figures in `docs/results.md` were measured with the defaults unless they say otherwise. The changes are made in
    this order: a recording is trimmed, sped up, cropped and faded, put into a room, gets noise, is made louder or
    softer, and goes through a telephone channel; masks and mixup come last, on spectrograms.

    Raises:
        UserError: If a value is out of its range.
    """

    shift: Annotated[
        float, Field(ge=0, description="Time in seconds by which a crop may start before or after the clip's start.")
    ] = 0.3
    gain: Annotated[float, Field(ge=0, description="Decibels by which a clip may be made louder or softer.")] = 6.0
    bands: Annotated[
        int, Field(ge=0, description="Width of the widest frequency mask of SpecAugment, in mel bands."), Flag(None)
    ] = 10
    band_masks: Annotated[int, Field(ge=0, description="Number of SpecAugment's frequency masks per clip.")] = 2
    frames: Annotated[
        int, Field(ge=0, description="Length of the longest time mask of SpecAugment, in frames."), Flag(None)
    ] = 30
    frame_masks: Annotated[int, Field(ge=0, description="Number of SpecAugment's time masks per clip.")] = 2
    mixup: Annotated[
        float,
        Field(ge=0, description="Both parameters of mixup's beta distribution; 0 switches mixup off."),
        Range(0.0, 0.5),
    ] = 0.2
    trim: Annotated[
        float,
        Field(
            ge=0,
            description="Silence to cut off at a clip's start and end, as decibels below its peak; 0 cuts nothing off.",
        ),
    ] = 0.0
    speed: Annotated[
        float,
        Field(ge=0, le=1, description="Share of clips that are played faster or slower, tempo and pitch together."),
    ] = 0.0
    speed_factor: Annotated[
        Interval, Field(description="Interval of the speed factor; 1.1 is 10 % faster."), Listed
    ] = (0.9, 1.1)
    fade: Annotated[float, Field(ge=0, description="Time in seconds over which a crop fades in and out.")] = 0.0
    reverberation: Annotated[
        float, Field(ge=0, le=1, description="Share of clips that are put into a synthetic room.")
    ] = 0.0
    reverberation_time: Annotated[
        Interval, Field(description="Interval of the room's reverberation time RT60 in seconds."), Listed
    ] = (0.2, 0.8)
    direct_to_reverberant: Annotated[
        Interval, Field(description="Interval of the direct-to-reverberant energy ratio in decibels."), Listed
    ] = (0.0, 15.0)
    noise: Annotated[float, Field(ge=0, le=1, description="Share of clips that noise is added to.")] = 0.0
    noise_snr: Annotated[Interval, Field(description="Interval of the signal-to-noise ratio in decibels."), Listed] = (
        5.0,
        30.0,
    )
    noise_exponent: Annotated[
        Interval,
        Field(
            description="Interval of the exponent by which the noise's power falls with frequency: 0 is white, 1 pink, "
            "2 brown noise."
        ),
        Listed,
    ] = (0.0, 2.0)
    noise_folder: Annotated[
        str | None,
        Field(description="Folder (or its URL) of recordings to take the noise from; coloured noise without it."),
        Flag("--noise-folder", "PATH"),
    ] = None
    telephone: Annotated[
        float, Field(ge=0, le=1, description="Share of clips that go through a telephone channel.")
    ] = 0.0
    telephone_laws: Annotated[
        tuple[Law, ...], Field(description="Companding laws of G.711, one of which is drawn per clip."), Listed
    ] = LAWS
    telephone_packet_loss: Annotated[
        float, Field(ge=0, le=1, description="Share of the packets that the telephone channel loses.")
    ] = 0.0

    def check(self) -> None:
        """Check the intervals, and that there is a companding law."""
        for name, (least, greatest) in _BOUNDS.items():
            low, high = getattr(self, name)
            if not least <= low <= high <= greatest:
                raise UserError(
                    f"{name} is {low!r} to {high!r}: give two numbers from {least:g} to {greatest:g}, the lower first"
                )
        if not self.telephone_laws:
            raise UserError(f"telephone_laws is (): give one or more of {', '.join(LAWS)}")

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
