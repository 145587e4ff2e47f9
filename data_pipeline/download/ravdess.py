"""RAVDESS's speech from Zenodo."""

from data_pipeline.download.publisher import Offer, Publisher
from data_pipeline.download.remote_file import Digest, RemoteFile
from data_pipeline.download.web import Web

_SPEECH = RemoteFile(
    url="https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1",
    name="Audio_Speech_Actors_01-24.zip",
    size=208_468_073,
    digest=Digest("md5", "bc696df654c87fed845eb13823edef8a"),
    unpack=(".wav",),
)
"""As the record states them (https://zenodo.org/records/1188976); a record's files never change."""


class RavdessPublisher(Publisher):
    """https://zenodo.org/records/1188976: the speech of all 24 actors in one archive of 208 MB."""

    corpus = "ravdess"
    terms = "non-commercial use only, with attribution; what is made from it must be shared under the same licence"
    assurance = "the archive is checked against the MD5 that Zenodo publishes"

    def offer(self, web: Web) -> Offer:  # noqa: ARG002
        """See `Publisher.offer`."""
        return Offer((_SPEECH,))
