"""EmoDB: the Berlin Database of Emotional Speech (Burkhardt et al., Interspeech 2005)."""

import re
from dataclasses import dataclass

from data_pipeline.clip import Clip
from data_pipeline.corpora.corpus import FolderCorpus
from data_pipeline.corpora.label_map import emotions_of
from data_pipeline.storage.stored_file import StoredFile


@dataclass(frozen=True, slots=True)
class _Actor:
    sex: str
    age: int


# Sex and age as published with the corpus.
_ACTORS = {
    "03": _Actor("male", 31),
    "08": _Actor("female", 34),
    "09": _Actor("female", 21),
    "10": _Actor("male", 32),
    "11": _Actor("male", 26),
    "12": _Actor("male", 30),
    "13": _Actor("female", 32),
    "14": _Actor("female", 35),
    "15": _Actor("male", 25),
    "16": _Actor("female", 31),
}

_EMOTIONS = emotions_of("emodb")

_STEM = re.compile(
    rf"(?P<actor>{'|'.join(_ACTORS)})(?P<text>[ab]\d\d)(?P<emotion>{'|'.join(_EMOTIONS)})(?P<version>[a-f])", re.ASCII
)


class EmoDB(FolderCorpus):
    """10 German sentences in 7 emotions by 10 actors, 535 clips that listeners recognised and found natural."""

    name = "emodb"
    title = "EmoDB, Berlin Database of Emotional Speech"
    size = "535 clips, 0.4 h"
    speakers = "10 actors (5 male, 5 female)"
    language = "German"
    emotions = tuple(_EMOTIONS.values())
    licence = "free for research; see its page"
    url = "http://emodb.bilderbar.info/"
    caution = (
        "some copies are cut or padded to exactly 2.00 s, where the clips as published last 1.2 to 9 s; "
        "ser data check finds that out"
    )
    example = "wav/03a01Fa.wav"

    def describe(self, file: StoredFile) -> Clip | None:
        """See `FolderCorpus.describe`."""
        match = _STEM.fullmatch(file.stem)
        if match is None:
            return None
        actor = _ACTORS[match["actor"]]
        return Clip(
            file=file,
            name=file.stem,
            corpus=self.name,
            speaker=match["actor"],
            emotion=_EMOTIONS[match["emotion"]],
            sentence=match["text"],
            repetition=match["version"],
            sex=actor.sex,
            age=actor.age,
        )
