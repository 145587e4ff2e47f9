"""The corpora that may be fetched, and a word on those that may not."""

from data_pipeline.download.crema_d import CremaDPublisher
from data_pipeline.download.emodb import EmoDbPublisher
from data_pipeline.download.publisher import Publisher
from data_pipeline.download.ravdess import RavdessPublisher
from data_pipeline.download.tess import TessPublisher
from data_pipeline.errors import UserError

PUBLISHERS: dict[str, Publisher] = {
    publisher.corpus: publisher
    for publisher in (CremaDPublisher(), RavdessPublisher(), TessPublisher(), EmoDbPublisher())
}
"""By the corpus's name."""

_SAVEE = (
    "savee is given to registered users only: register at "
    "https://personalpages.surrey.ac.uk/p.jackson/SAVEE/Register.html, unpack the AudioData.zip that you are sent a "
    "link to, and run `ser data prepare savee=AudioData OUT`"
)


def publisher_of(corpus: str) -> Publisher:
    """Where a corpus can be fetched.

    Args:
        corpus: Its name.

    Raises:
        UserError: If it cannot be; the message says what to do instead.
    """
    if corpus in PUBLISHERS:
        return PUBLISHERS[corpus]
    if corpus == "savee":
        raise UserError(_SAVEE)
    raise UserError(f"{corpus!r} is no corpus that can be downloaded; those that can are {', '.join(PUBLISHERS)}")
