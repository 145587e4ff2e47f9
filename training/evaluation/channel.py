"""The channels that a run can be measured through."""

from data_pipeline.audio.telephone import TelephoneSettings
from data_pipeline.errors import UserError

CHANNELS = ("clean", "telephone", "telephone-alaw")


def channel_named(name: str, packet_loss: float = 0.0) -> TelephoneSettings | None:
    """The settings of a channel.

    Args:
        name: `clean`: as recorded. `telephone`: 300 to 3,400 Hz, 8 kHz, G.711 µ-law. `telephone-alaw`: with A-law.
        packet_loss: Share of the packets that are lost on the way, for the telephone channels.

    Returns:
        None for a clean channel.

    Raises:
        UserError: If there is no such channel, or a clean one is to lose packets.
    """
    if name not in CHANNELS:
        raise UserError(f"{name!r} is no channel; choose one of {', '.join(CHANNELS)}")
    if name == "clean":
        if packet_loss:
            raise UserError("a clean channel loses no packets: choose --channel telephone, or leave --packet-loss out")
        return None
    return TelephoneSettings(law="alaw" if name == "telephone-alaw" else "mulaw", packet_loss=packet_loss)
