"""What a run is measured on and against: a split, a channel, and one kind of labels."""

from dataclasses import dataclass

from data_pipeline.audio.telephone import TelephoneSettings
from data_pipeline.errors import UserError
from data_pipeline.targets import LabelKind
from training.run.folder import Run

CHANNELS = ("clean", "telephone", "telephone-alaw")

_REFERENCES = ("acted", "voted")


def channel_named(name: str, packet_loss: float = 0.0) -> TelephoneSettings | None:
    """The settings of a channel.

    Args:
        name: `clean`: as recorded. `telephone`: 300 to 3,400 Hz, 8 kHz, G.711 µ-law. `telephone-alaw`: with A-law.
        packet_loss: Share of packets that a telephone channel loses.

    Returns:
        None for the clean channel.

    Raises:
        UserError: If there is no such channel, or the clean one is to lose packets.
    """
    if name not in CHANNELS:
        raise UserError(f"{name!r} is no channel; choose one of {', '.join(CHANNELS)}")
    if name == "clean":
        if packet_loss:
            raise UserError("a clean channel loses no packets: choose --channel telephone, or leave --packet-loss out")
        return None
    return TelephoneSettings(law="alaw" if name == "telephone-alaw" else "mulaw", packet_loss=packet_loss)


def reference_labels(run: Run) -> LabelKind:
    """The labels that a run is to be measured against: `voted` if it learned from listeners' votes, else `acted`."""
    return "acted" if run.config["label_kind"] == "acted" else "voted"


@dataclass(frozen=True, slots=True)
class Condition:
    """What a run is measured on and against.

    Attributes:
        split: Split of the dataset, or `all`.
        channel: Channel that the clips go through first; see `channel_named`.
        packet_loss: Share of packets that a telephone channel loses.
        labels: `acted`, or `voted` for the emotion that most listeners heard.

    Raises:
        UserError: If there is no such channel, it cannot lose this share of packets, or `labels` is neither of the two.
    """

    split: str = "validation"
    channel: str = "clean"
    packet_loss: float = 0.0
    labels: LabelKind = "acted"

    def __post_init__(self) -> None:
        channel_named(self.channel, self.packet_loss)
        if self.labels not in _REFERENCES:
            raise UserError(
                f"a run is measured against one right answer a clip: choose --labels {' or '.join(_REFERENCES)}, "
                f"not {self.labels!r}"
            )

    @property
    def telephone(self) -> TelephoneSettings | None:
        """The settings of the channel; None for the clean one."""
        return channel_named(self.channel, self.packet_loss)

    @property
    def title(self) -> str:
        """The split and everything that differs from the defaults: the key in `metrics.json`."""
        lossy = f" with {100 * self.packet_loss:g}% packet loss" if self.packet_loss else ""
        channel = "" if self.channel == "clean" else f", {self.channel}{lossy}"
        return f"{self.split}{channel}{'' if self.labels == 'acted' else ', as heard'}"
