"""TESS: the Toronto Emotional Speech Set (Pichora-Fuller and Dupuis, University of Toronto, 2010)."""

import re

from data_pipeline.clip import Clip
from data_pipeline.corpora.corpus import FolderCorpus
from data_pipeline.corpora.label_map import emotions_of
from data_pipeline.storage.stored_file import StoredFile

# Ages in years of the older and the younger actress, as the publisher states them.
_AGES = {"OAF": 64, "YAF": 26}

_EMOTIONS = emotions_of("tess")

# The publisher named one file OA_bite_neutral for OAF_bite_neutral. Mirrors differ in upper and lower case.
_STEM = re.compile(
    rf"(?P<actress>OAF?|YAF)_(?P<word>[a-z]+)_(?P<emotion>{'|'.join(_EMOTIONS)})", re.ASCII | re.IGNORECASE
)


class Tess(FolderCorpus):
    """200 words ("Say the word …") in 7 emotions by 2 actresses, 2,800 clips.

    The clips lie in folders (such as `OAF_angry` and `YAF_pleasant_surprised`, whose names do not matter) or all in one
    folder. Some mirrors hold the whole tree twice; each clip counts once.
    """

    name = "tess"
    title = "TESS, Toronto Emotional Speech Set"
    size = "2,800 clips, 1.6 h"
    speakers = "2 actresses (aged 64 and 26)"
    language = "English (Canada)"
    emotions = tuple(_EMOTIONS.values())
    licence = "CC BY-NC-ND 4.0 (not for commercial use)"
    url = "https://doi.org/10.5683/SP2/E8H2MF"
    example = "OAF_back_angry.wav"

    def describe(self, file: StoredFile) -> Clip | None:
        """See `FolderCorpus.describe`."""
        match = _STEM.fullmatch(file.stem)
        if match is None:
            return None
        actress = "YAF" if match["actress"].upper() == "YAF" else "OAF"
        word, emotion = match["word"].lower(), match["emotion"].lower()
        return Clip(
            file=file,
            name=f"{actress}_{word}_{emotion}",
            corpus=self.name,
            speaker=actress,
            emotion=_EMOTIONS[emotion],
            sentence=word,
            sex="female",
            age=_AGES[actress],
        )
