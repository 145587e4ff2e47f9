"""What a user wants checked: places, with or without the name of the corpus that lies there."""

from collections.abc import Sequence
from dataclasses import dataclass

from data_pipeline.corpora import CORPORA
from data_pipeline.corpora.corpus import AUDIO_SUFFIXES, Corpus
from data_pipeline.corpora.recognise import recognise
from data_pipeline.corpora.sources import parse_sources
from data_pipeline.errors import UserError
from data_pipeline.quality.recording import Recording, of_clip, of_file
from data_pipeline.set_aside import SetAside
from data_pipeline.splits import BySpeaker
from data_pipeline.storage import storage_for


@dataclass(frozen=True, slots=True)
class Found:
    """What lies at the places.

    Attributes:
        recordings: At least one.
        set_aside: Clips that their corpus describes in a way that nothing can be made of.
        ignored: Audio files among the clips whose names are not of their corpus.
    """

    recordings: tuple[Recording, ...]
    set_aside: tuple[SetAside, ...]
    ignored: tuple[str, ...]


def find_recordings(texts: Sequence[str]) -> Found:
    """Everything that is to be checked; nothing is decoded.

    Args:
        texts: `NAME=PLACE` (`crema_d=/corpora/CREMA-D`), or a folder, manifest or audio file alone. What corpus a
            place alone holds is told by its files; if it is none, every audio file is checked without a label.

    Raises:
        UserError: If a place is missing or holds no audio, or a corpus is not known.
    """
    found = [_labelled(*source) if (source := _source(text)) else _unlabelled(text) for text in texts]
    return Found(
        tuple(recording for part in found for recording in part.recordings),
        tuple(clip for part in found for clip in part.set_aside),
        tuple(file for part in found for file in part.ignored),
    )


def _source(text: str) -> tuple[Corpus, str] | None:
    """The corpus that a text names, or that lies at the place that it names."""
    name, sign, _ = text.partition("=")
    if sign and (name in CORPORA or not storage_for(text).kind(text)):
        return parse_sources([text])[0]
    corpus = recognise(text)
    return (corpus, text) if corpus else None


def _labelled(corpus: Corpus, place: str) -> Found:
    listing = corpus.read(place)
    sides = BySpeaker().sides(listing.clips, corpus.sides)
    return Found(
        tuple(of_clip(clip, sides.get(clip.name)) for clip in listing.clips), listing.set_aside, listing.ignored
    )


def _unlabelled(place: str) -> Found:
    storage = storage_for(place)
    kind = storage.kind(place)
    if not kind:
        raise UserError(f"{place} does not exist: give a corpus's folder, a manifest or a folder with audio files")
    files = list(storage.look_up([place]).values()) if kind == "file" else storage.walk(place)
    audio = [file for file in files if kind == "file" or file.suffix in AUDIO_SUFFIXES]
    if not audio:
        raise UserError(f"{place} holds no audio files ({', '.join(AUDIO_SUFFIXES)}): give a folder that does")
    title = place.rstrip("/").rpartition("/")[2] if kind == "folder" else "file"
    return Found(tuple(of_file(title or place, file) for file in audio), (), ())
