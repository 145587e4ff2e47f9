"""CREMA-D from its GitHub repository, whose audio is in Git LFS."""

import csv
import io
import re
import tarfile

from data_pipeline.download.publisher import Document, Offer, Publisher
from data_pipeline.download.remote_file import Digest, RemoteFile
from data_pipeline.download.web import DownloadError, Web
from data_pipeline.errors import SetAside

_REPOSITORY = "CheyneyComputerScience/CREMA-D"

# The archive of a repository holds the pointers of its LFS files (docs.github.com, "Managing Git LFS objects in
# archives of your repository"), so that one request gives size and checksum of all clips. To ask for 7,442 pointers one
# by one would take more than the 5,000 requests an hour that GitHub answers.
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


# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: the version comes first, then the other keys in
# alphabetical order.
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\nsize (\d+)\n?"
)

_LONGEST = 1024
"""Greatest size of a pointer in bytes, by the specification."""


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
                # The only folder of the archive is named after repository and branch.
                name = member.name.partition("/")[2]
                wanted = member.isfile() and (name in _TABLES or _CLIP.fullmatch(name))
                if wanted and (content := file.extractfile(member)) is not None:
                    members[name] = content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DownloadError(f"{_ARCHIVE} is no archive of a repository ({error}): check the mirror") from error
    return members


def read_pointer(content: bytes) -> tuple[int, Digest] | None:
    """Size and checksum of the file that a Git LFS pointer stands for.

    Args:
        content: Content of a file in a repository.

    Returns:
        Size in bytes and checksum, or None if the content is not a pointer but the file itself.
    """
    match = _POINTER.fullmatch(content) if len(content) < _LONGEST else None
    return (int(match[2]), Digest("sha256", match[1].decode())) if match else None


def _listed(table: bytes) -> list[str]:
    """The clips in the table of file names; none where the table itself is in LFS and not read yet."""
    rows = csv.DictReader(io.StringIO(table.decode("utf-8-sig", errors="replace"), newline=""))
    return [row["Filename"] for row in rows if row.get("Filename")]


def _stem(name: str) -> str:
    """The name of a clip; 1040_ITH_SAD_X of the repository is 1040_ITH_SAD_XX in the tables."""
    stem = name.removeprefix("AudioWAV/").removesuffix(".wav")
    return f"{stem}X" if stem.endswith("_X") else stem
