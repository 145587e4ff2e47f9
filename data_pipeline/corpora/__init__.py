"""The corpora that `ser data prepare` knows, each in a module of its own."""

from collections.abc import Callable
from importlib import import_module

from data_pipeline.corpora.corpus import Corpus
from data_pipeline.errors import UserError


def _imported(module: str, corpus: str) -> Callable[[], Corpus]:
    """A corpus whose module is imported when it is called for."""
    return lambda: getattr(import_module(f"data_pipeline.corpora.{module}"), corpus)()


CORPORA: dict[str, Callable[[], Corpus]] = {
    "crema_d": _imported("crema_d", "CremaD"),
    "ravdess": _imported("ravdess", "Ravdess"),
    "tess": _imported("tess", "Tess"),
    "savee": _imported("savee", "Savee"),
    "emodb": _imported("emodb", "EmoDB"),
    "synthetic": _imported("synthetic", "Synthetic"),
    "manifest": _imported("manifest", "Manifest"),
    "folders": _imported("folders", "Folders"),
}
"""By name: published corpora, machine speech, and one's own recordings."""


def open_corpus(name: str) -> Corpus:
    """The corpus of that name.

    Raises:
        UserError: If there is none.
    """
    if name not in CORPORA:
        raise UserError(f"there is no corpus {name!r}; choose one of {', '.join(CORPORA)}")
    return CORPORA[name]()
