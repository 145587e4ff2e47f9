"""EmoDB from its authors' site."""

from data_pipeline.download.publisher import Offer, Publisher
from data_pipeline.download.remote_file import RemoteFile
from data_pipeline.download.web import Web

_ARCHIVE = RemoteFile(
    url="http://emodb.bilderbar.info/download/download.zip",
    name="download.zip",
    unpack=(".wav", ".txt"),
)


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
        return Offer((_ARCHIVE,))
