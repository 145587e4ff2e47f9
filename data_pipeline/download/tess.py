"""TESS from Borealis, which is a Dataverse."""

import json
from pathlib import PurePosixPath
from typing import Any

from data_pipeline.download.publisher import Offer, Publisher
from data_pipeline.download.remote_file import Digest, RemoteFile, safe_name
from data_pipeline.download.web import DownloadError, Web

# https://guides.dataverse.org/en/latest/api/: "Get JSON Representation of a Dataset" and "Basic File Access".
_DATASET = "https://borealisdata.ca/api/datasets/:persistentId/?persistentId=doi:10.5683/SP2/E8H2MF"
_FILE = "https://borealisdata.ca/api/access/datafile"


class TessPublisher(Publisher):
    """https://doi.org/10.5683/SP2/E8H2MF: 2,800 WAV files, single or in archives, as in the listing."""

    corpus = "tess"
    terms = "non-commercial use only, with attribution; changed versions may not be passed on"
    assurance = "each file is checked against the checksum that Borealis publishes"

    def offer(self, web: Web) -> Offer:
        """See `Publisher.offer`."""
        try:
            listing = json.loads(web.read(_DATASET))["data"]["latestVersion"]["files"]
            files = [file for entry in listing if (file := _remote_file(entry)) is not None]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DownloadError(
                f"{_DATASET} is no listing of a Dataverse ({type(error).__name__}: {error}): check the mirror, or "
                "download TESS by hand from https://doi.org/10.5683/SP2/E8H2MF"
            ) from error
        if not files:
            raise DownloadError(f"{_DATASET} lists neither WAV files nor archives: check the mirror")
        return Offer(tuple(sorted(files, key=lambda file: file.name)))


def _remote_file(entry: dict[str, Any]) -> RemoteFile | None:
    """A file of the listing, or None for one that is neither audio nor an archive."""
    file = entry["dataFile"]
    name = safe_name(str(PurePosixPath(entry.get("directoryLabel", ""), file["filename"])))
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in (".wav", ".zip"):
        return None
    return RemoteFile(
        url=f"{_FILE}/{int(file['id'])}",
        name=name,
        size=int(file["filesize"]),
        digest=_digest(file),
        unpack=(".wav",) if suffix == ".zip" else (),
    )


def _digest(file: dict[str, Any]) -> Digest:
    """The checksum of a file: older Dataverses have a field for the MD5, newer ones name the algorithm (`SHA-1`)."""
    checksum = file.get("checksum") or {"type": "MD5", "value": file["md5"]}
    return Digest.parse(f"{checksum['type'].lower().replace('-', '')}:{checksum['value'].lower()}")
