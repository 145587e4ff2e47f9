"""What a user names on the command line: corpora with the places where they lie."""

from collections.abc import Sequence
from pathlib import Path

from data_pipeline.corpora import open_corpus
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.errors import UserError


def parse_sources(texts: Sequence[str]) -> list[tuple[Corpus, str]]:
    """Corpora and their places.

    Args:
        texts: `NAME=PLACE` each (`crema_d=/corpora/CREMA-D`), or a name and a place as two texts. A `~` at the
            beginning of a place is one's home, which not every shell puts in there.

    Returns:
        Each corpus with its place, a path or a URL.

    Raises:
        UserError: If there is none, one is garbled, or a corpus is not known.
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
    """A place with one's home instead of a `~` at its beginning; a `~` that means nobody's home is left as it is."""
    if not place.startswith("~"):
        return place
    try:
        return str(Path(place).expanduser())
    except RuntimeError:
        return place
