"""CREMA-D from its GitHub repository, whose audio lies in Git LFS."""

import csv
import io
import re
import tarfile

from data_pipeline.download.lfs_pointer import read_pointer
from data_pipeline.download.publisher import Document, Offer, Publisher
from data_pipeline.download.remote_file import RemoteFile
from data_pipeline.download.web import DownloadError, Web
from data_pipeline.errors import SetAside

_REPOSITORY = "CheyneyComputerScience/CREMA-D"

# The archive of a repository holds the pointers of its LFS files (docs.github.com, "Managing Git LFS objects in
# archives of your repository"), so that one request tells size and checksum of all clips. Asked for one by one, 7,442
# pointers would be more than the 5,000 requests an hour that GitHub answers.
_ARCHIVE = f"https://github.com/{_REPOSITORY}/archive/refs/heads/master.tar.gz"

_MEDIA = f"https://media.githubusercontent.com/media/{_REPOSITORY}/master"

_SENTENCES = "SentenceFilenames.csv"
_TABLES = (
    "processedResults/tabulatedVotes.csv",
    "processedResults/summaryTable.csv",
    "VideoDemographics.csv",
    _SENTENCES,
)
_CLIP = re.compile(r"AudioWAV/\w+\.wav")


class CremaDPublisher(Publisher):
    """https://github.com/CheyneyComputerScience/CREMA-D: 7,442 WAV files of 606 MB and four tables."""

    corpus = "crema_d"
    terms = (
        "free to use, commercially too, with attribution; a database made from it and made public must carry the same "
        "licence"
    )
    assurance = "each clip is checked against the SHA-256 in the publisher's repository"

    def offer(self, web: Web) -> Offer:
        """See `Publisher.offer`."""
        members = _read_archive(web.read(_ARCHIVE))
        files, documents = [], []
        for name, content in members.items():
            pointer = read_pointer(content)
            if pointer is not None:
                files.append(RemoteFile(f"{_MEDIA}/{name}", name, *pointer))
            else:
                documents.append(Document(name, content))
        clips = {_stem(name) for name in members if _CLIP.fullmatch(name)}
        if not clips:
            raise DownloadError(f"{_ARCHIVE} lists no clip below AudioWAV: check the mirror")
        absent = [stem for stem in _listed(members.get(_SENTENCES, b"")) if stem not in clips]
        return Offer(
            tuple(sorted(files, key=lambda file: file.name)),
            tuple(documents),
            tuple(SetAside(f"AudioWAV/{stem}.wav", f"is in {_SENTENCES} and not in the repository") for stem in absent),
        )


def _read_archive(archive: bytes) -> dict[str, bytes]:
    """Tables and clips, most of them as pointers, by their paths in the repository."""
    members = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as file:
            for member in file:
                # The archive's only folder is named after repository and branch.
                name = member.name.partition("/")[2]
                wanted = member.isfile() and (name in _TABLES or _CLIP.fullmatch(name))
                if wanted and (content := file.extractfile(member)) is not None:
                    members[name] = content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DownloadError(f"{_ARCHIVE} is no archive of a repository ({error}): check the mirror") from error
    return members


def _listed(table: bytes) -> list[str]:
    """The clips that the table of file names tells of; none where it is kept in LFS and not read yet."""
    rows = csv.DictReader(io.StringIO(table.decode("utf-8-sig", errors="replace"), newline=""))
    return [row["Filename"] for row in rows if row.get("Filename")]


def _stem(name: str) -> str:
    """A clip's name; the repository's 1040_ITH_SAD_X is the tables' 1040_ITH_SAD_XX."""
    stem = name.removeprefix("AudioWAV/").removesuffix(".wav")
    return f"{stem}X" if stem.endswith("_X") else stem
