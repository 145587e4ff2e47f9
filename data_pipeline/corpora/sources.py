"""From what a user names on the command line to corpora at their places."""

from collections.abc import Sequence
from pathlib import Path

from data_pipeline.corpora import CORPORA, open_corpus
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.corpora.manifest import SUFFIXES
from data_pipeline.errors import UserError
from data_pipeline.storage import storage_for


def parse_sources(texts: Sequence[str]) -> list[tuple[Corpus, str]]:
    """The corpora that a user names, with their places.

    Args:
        texts: `NAME=PLACE` each (`crema_d=/corpora/CREMA-D`), or a name and a place as two texts. A `~` at the
            beginning of a place is the home folder, which not every shell fills in there.

    Returns:
        Each corpus with its place, a path or a URL.

    Raises:
        UserError: If there is no text, one is garbled, or a corpus is not known.
    """
    if len(texts) == 2 and "=" not in texts[0]:
        return [(open_corpus(texts[0]), at_home(texts[1]))]
    sources = []
    for text in texts:
        name, sign, place = text.partition("=")
        if not sign or not place:
            raise UserError(f"{text!r} names no corpus and place; write NAME=PLACE, as crema_d=path/to/CREMA-D")
        sources.append((open_corpus(name), at_home(place)))
    if not sources:
        raise UserError("no corpus is named; write NAME=PLACE, as crema_d=path/to/CREMA-D")
    return sources


def at_home(place: str) -> str:
    """A place with the home folder instead of a `~` at its beginning; the `~` of an unknown user is left as it is."""
    if not place.startswith("~"):
        return place
    try:
        return str(Path(place).expanduser())
    except RuntimeError:
        return place


def recognise(location: str) -> Corpus | None:
    """The corpus that lies at a place, for commands that are given a place without a name.

    Args:
        location: A path or a URL.

    Returns:
        `manifest` for a file with the suffix of a manifest, whatever is in it. For a folder the first corpus that finds
        clips there, in the order of `CORPORA`. None where no corpus does.

    Raises:
        UserError: If the place cannot be reached or read.
    """
    kind = storage_for(location).kind(location)
    if kind == "file":
        return open_corpus("manifest") if location.lower().endswith(SUFFIXES) else None
    if kind == "folder":
        for name in CORPORA:
            if name != "manifest" and _finds_clips(corpus := open_corpus(name), location):
                return corpus
    return None


def _finds_clips(corpus: Corpus, folder: str) -> bool:
    try:
        corpus.read(folder)
    except UserError:
        return False
    return True
