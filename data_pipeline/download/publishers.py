"""The publishers of all corpora that can be downloaded, and what to do for those that cannot."""

from data_pipeline.download.crema_d import CremaDPublisher
from data_pipeline.download.publisher import Offer, Publisher
from data_pipeline.download.remote_file import Digest, RemoteFile
from data_pipeline.download.tess import TessPublisher
from data_pipeline.download.web import Web
from data_pipeline.errors import UserError

_SPEECH = RemoteFile(
    url="https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1",
    name="Audio_Speech_Actors_01-24.zip",
    size=208_468_073,
    digest=Digest("md5", "bc696df654c87fed845eb13823edef8a"),
    unpack=(".wav",),
)
"""Size and checksum as in the record (https://zenodo.org/records/1188976), whose files never change."""

_EMODB = RemoteFile(
    url="http://emodb.bilderbar.info/download/download.zip",
    name="download.zip",
    unpack=(".wav", ".txt"),
)


class RavdessPublisher(Publisher):
    """https://zenodo.org/records/1188976: the speech of all 24 actors in one archive of 208 MB."""

    corpus = "ravdess"
    terms = "non-commercial use only, with attribution; what is made from it must be shared under the same licence"
    assurance = "the archive is checked against the MD5 that Zenodo publishes"

    def offer(self, web: Web) -> Offer:  # noqa: ARG002
        """See `Publisher.offer`."""
        return Offer((_SPEECH,))


class EmoDbPublisher(Publisher):
    """http://emodb.bilderbar.info: 535 WAV files in one archive of about 40 MB."""

    corpus = "emodb"
    terms = "free for research; cite Burkhardt et al., A database of German emotional speech, Interspeech 2005"
    assurance = (
        "its publisher offers neither a checksum nor an encrypted connection: the length that the server states and "
        "the archive's own CRC-32 sums are checked, which finds damage but not forgery; compare the SHA-256 printed at "
        "the end with a colleague's"
    )

    def offer(self, web: Web) -> Offer:  # noqa: ARG002
        """See `Publisher.offer`."""
        return Offer((_EMODB,))


PUBLISHERS: dict[str, Publisher] = {
    publisher.corpus: publisher
    for publisher in (CremaDPublisher(), RavdessPublisher(), TessPublisher(), EmoDbPublisher())
}
"""Publishers by the name of the corpus."""

_SAVEE = (
    "savee is given to registered users only: register at "
    "https://personalpages.surrey.ac.uk/p.jackson/SAVEE/Register.html, unpack the AudioData.zip that you are sent a "
    "link to, and run `ser data prepare savee=AudioData OUT`"
)


def publisher_of(corpus: str) -> Publisher:
    """The publisher of a corpus.

    Args:
        corpus: Name of the corpus.

    Raises:
        UserError: If it cannot be downloaded; the message says what to do instead.
    """
    if corpus in PUBLISHERS:
        return PUBLISHERS[corpus]
    if corpus == "savee":
        raise UserError(_SAVEE)
    raise UserError(f"{corpus!r} is no corpus that can be downloaded; those that can are {', '.join(PUBLISHERS)}")
