"""Which corpus lies at a place, for commands that are given a place alone."""

from data_pipeline.corpora import CORPORA, open_corpus
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.corpora.manifest import SUFFIXES
from data_pipeline.errors import UserError
from data_pipeline.storage import storage_for


def recognise(location: str) -> Corpus | None:
    """The corpus that lies at a place.

    Args:
        location: A path or a URL.

    Returns:
        `manifest` for a file with a manifest's suffix, whatever is in it; for a folder the first corpus that finds
        clips there, published corpora before the synthetic one and that before `folders`; None where none does.

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
