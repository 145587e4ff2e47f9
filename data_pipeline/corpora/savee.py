"""SAVEE: Surrey Audio-Visual Expressed Emotion (Haq and Jackson, Machine Audition, IGI Global 2010, chapter 17)."""

import re
from pathlib import PurePosixPath

from data_pipeline.clip import Clip
from data_pipeline.corpora.corpus import FolderCorpus
from data_pipeline.corpora.label_map import emotions_of
from data_pipeline.storage.stored_file import StoredFile

_EMOTIONS = emotions_of("savee")

_SPEAKERS = ("DC", "JE", "JK", "KL")

_STEM = re.compile(
    rf"(?:(?P<speaker>{'|'.join(_SPEAKERS)})_)?(?P<sentence>(?P<emotion>{'|'.join(_EMOTIONS)})\d\d)", re.ASCII
)


class Savee(FolderCorpus):
    """TIMIT sentences in 7 emotions by 4 men, 480 clips.

    The clips lie in one folder per speaker, as published (`AudioData/DC/a01.wav`), or all in one (`DC_a01.wav`).
    Sentences are numbered within each emotion, so `a01` and `d01` need not be the same words.
    """

    name = "savee"
    title = "SAVEE, Surrey Audio-Visual Expressed Emotion"
    size = "480 clips, 0.5 h"
    speakers = "4 male speakers (aged 27 to 31)"
    language = "English (Britain)"
    emotions = tuple(_EMOTIONS.values())
    licence = "free for research, after registration"
    url = "http://kahlan.eps.surrey.ac.uk/savee/"
    example = "AudioData/DC/a01.wav"

    def describe(self, file: StoredFile) -> Clip | None:
        """See `FolderCorpus.describe`."""
        match = _STEM.fullmatch(file.stem)
        if match is None:
            return None
        # From the location, which names the speaker even where only the speaker's own folder is given.
        speaker = match["speaker"] or PurePosixPath(file.location).parent.name
        if speaker not in _SPEAKERS:
            return None
        return Clip(
            file=file,
            name=f"{speaker}_{match['sentence']}",
            corpus=self.name,
            speaker=speaker,
            emotion=_EMOTIONS[match["emotion"]],
            sentence=match["sentence"],
            sex="male",
        )
