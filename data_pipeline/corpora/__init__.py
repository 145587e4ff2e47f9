"""The corpora that `ser data prepare` knows, each in a module of its own.

- `corpus`: what a corpus is; `sources`: from what a user names to corpora at their places.
- `crema_d`, `ravdess`, `tess`, `savee`, `emodb`: published corpora; `synthetic`: machine speech.
- `manifest` (with `manifest_rows` and `manifest_cells`), `folders`: the user's own recordings; `unnamed_speaker`: words
  that are no speaker's name.
- `label_map`: what each corpus calls each emotion.
"""

from collections.abc import Callable
from importlib import import_module

from data_pipeline.corpora.corpus import Corpus
from data_pipeline.errors import UserError


def _imported(module: str, corpus: str) -> Callable[[], Corpus]:
    """A function that imports the module of a corpus and makes the corpus."""
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
"""Corpora by name: published ones, machine speech, and the user's own recordings."""


def open_corpus(name: str) -> Corpus:
    """The corpus of that name.

    Raises:
        UserError: If there is none.
    """
    if name not in CORPORA:
        raise UserError(f"there is no corpus {name!r}; choose one of {', '.join(CORPORA)}")
    return CORPORA[name]()
