"""The corpora that `ser data prepare` knows, each in a module of its own."""

from collections.abc import Callable

from data_pipeline.corpora.corpus import Corpus
from data_pipeline.errors import UserError


def _crema_d() -> Corpus:
    from data_pipeline.corpora.crema_d import CremaD

    return CremaD()


def _synthetic() -> Corpus:
    from data_pipeline.corpora.synthetic import Synthetic

    return Synthetic()


CORPORA: dict[str, Callable[[], Corpus]] = {"crema_d": _crema_d, "synthetic": _synthetic}
"""By name; each is imported when it is called for."""


def open_corpus(name: str) -> Corpus:
    """The corpus of that name.

    Raises:
        UserError: If there is none.
    """
    if name not in CORPORA:
        raise UserError(f"there is no corpus {name!r}; choose one of {', '.join(CORPORA)}")
    return CORPORA[name]()
