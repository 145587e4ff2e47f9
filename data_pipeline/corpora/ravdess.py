"""RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song (Livingstone, Russo, PLoS ONE 13, 2018)."""

import re

from data_pipeline.clip import Clip
from data_pipeline.corpora.corpus import FolderCorpus
from data_pipeline.corpora.label_map import emotions_of
from data_pipeline.storage.stored_file import StoredFile

_EMOTIONS = emotions_of("ravdess")

_INTENSITIES = {"01": "normal", "02": "strong"}

# Modality 03 is audio alone, vocal channel 01 is speech. Songs are not clips.
_STEM = re.compile(
    rf"03-01-(?P<emotion>{'|'.join(_EMOTIONS)})-(?P<intensity>{'|'.join(_INTENSITIES)})"
    r"-(?P<statement>0[12])-(?P<repetition>0[12])-(?P<actor>0[1-9]|1\d|2[0-4])"
)


class Ravdess(FolderCorpus):
    """2 statements in 8 emotions by 24 actors, twice each, 1,440 clips of speech.

    The clips lie in `Actor_01` to `Actor_24` or all in one folder. Some mirrors hold the whole tree twice; each clip
    counts once.
    """

    name = "ravdess"
    title = "RAVDESS, Ryerson Audio-Visual Database of Emotional Speech and Song"
    size = "1,440 clips of speech, 1.5 h (songs are left out)"
    speakers = "24 actors (12 male, 12 female)"
    language = "English (North America)"
    emotions = tuple(_EMOTIONS.values())
    licence = "CC BY-NC-SA 4.0 (not for commercial use; the publisher sells licences for that)"
    url = "https://zenodo.org/records/1188976"
    example = "Actor_12/03-01-06-01-02-01-12.wav"

    def describe(self, file: StoredFile) -> Clip | None:
        """See `FolderCorpus.describe`."""
        match = _STEM.fullmatch(file.stem)
        if match is None:
            return None
        return Clip(
            file=file,
            name=file.stem,
            corpus=self.name,
            speaker=match["actor"],
            emotion=_EMOTIONS[match["emotion"]],
            intensity=_INTENSITIES[match["intensity"]],
            sentence=match["statement"],
            repetition=match["repetition"],
            sex="male" if int(match["actor"]) % 2 else "female",
        )
