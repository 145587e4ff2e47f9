"""The recordings that a user wants checked, at places with or without the name of a corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from data_pipeline.audio.audio_file import AUDIO_SUFFIXES
from data_pipeline.audio.audio_files import audio_among
from data_pipeline.audio.track import Track
from data_pipeline.clip import Clip
from data_pipeline.corpora import CORPORA
from data_pipeline.corpora.corpus import Corpus, Listing
from data_pipeline.corpora.sources import at_home, parse_sources, recognise
from data_pipeline.errors import SetAside, UserError
from data_pipeline.quality.recording import Recording, of_clip, of_file
from data_pipeline.splits import SplitName
from data_pipeline.storage import join, storage_for


@dataclass(frozen=True, slots=True)
class FoundRecordings:
    """What was found at the places.

    Attributes:
        recordings: At least one recording.
        set_aside: Clips that cannot be used as their corpus describes them.
        ignored: Audio files among the clips whose names do not belong to their corpus.
        elsewhere: Paths of audio files in other folders of a place that holds a corpus; they may belong to another one.
        others: Paths of files that are not audio by their suffixes.
    """

    recordings: tuple[Recording, ...]
    set_aside: tuple[SetAside, ...]
    ignored: tuple[str, ...]
    elsewhere: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """A corpus at a place.

    Attributes:
        corpus: The corpus.
        place: A path or a URL.
        listing: What was found there.
    """

    corpus: Corpus
    place: str
    listing: Listing


@dataclass(frozen=True, slots=True)
class _Unlabelled:
    """A place without a corpus.

    Attributes:
        recordings: Its audio files.
        others: Paths of files that are not audio by their suffixes.
    """

    recordings: tuple[Recording, ...]
    others: tuple[str, ...]


def find_recordings(texts: Sequence[str], track: Track | None = None) -> FoundRecordings:
    """Find everything that is to be checked; nothing is decoded.

    Args:
        texts: `NAME=PLACE` (`crema_d=/corpora/CREMA-D`), or a folder, manifest or audio file without a name. The corpus
            of a place without a name is recognised by its files; if there is none, every audio file is checked without
            a label.
        track: Channel of recordings for which no manifest names one.

    Raises:
        UserError: If a place is missing or holds no audio, or a corpus is not known.
    """
    sources = [_source(text) or _unlabelled(at_home(text)) for text in texts]
    corpora = [source for source in sources if isinstance(source, _Source)]
    splits = _splits(corpora)
    recordings: list[Recording] = []
    for source in sources:
        if isinstance(source, _Source):
            recordings += [of_clip(clip, splits[clip.corpus][clip.speaker]) for clip in source.listing.clips]
        else:
            recordings += source.recordings
    checked = {recording.location for recording in recordings}
    beside = (join(source.place, file) for source in corpora for file in source.listing.elsewhere)
    return FoundRecordings(
        tuple(replace(one, track=one.track or track) for one in recordings),
        set_aside=tuple(clip for source in corpora for clip in source.listing.set_aside),
        ignored=tuple(file for source in corpora for file in source.listing.ignored),
        elsewhere=tuple(dict.fromkeys(file for file in beside if file not in checked)),
        others=tuple(
            file
            for source in sources
            for file in (source.listing.others if isinstance(source, _Source) else source.others)
        ),
    )


def _source(text: str) -> _Source | None:
    """The corpus that a text names, or that lies at the place given; None for a place without a corpus."""
    if not text:
        raise UserError("one of the places is empty: give a corpus's folder, a manifest or a folder with audio files")
    name, sign, _ = text.partition("=")
    if sign and (name in CORPORA or not storage_for(text).kind(text)):
        ((corpus, place),) = parse_sources([text])
        return _Source(corpus, place, corpus.read(place))
    place = at_home(text)
    recognised = recognise(place)
    if recognised is None:
        return None
    return _Source(recognised, place, recognised.read(place))


def _splits(sources: Sequence[_Source]) -> dict[str, Mapping[str, SplitName]]:
    """The split of each speaker, by corpus; a corpus that was given at several places is split as a whole."""
    corpora = {source.corpus.name: source.corpus for source in sources}
    clips_of: dict[str, list[Clip]] = {name: [] for name in corpora}
    for source in sources:
        clips_of[source.corpus.name] += source.listing.clips
    return {name: corpus.speaker_splits(clips_of[name]) for name, corpus in corpora.items()}


def _unlabelled(place: str) -> _Unlabelled:
    storage = storage_for(place)
    kind = storage.kind(place)
    if not kind:
        raise UserError(f"{place} does not exist: give a corpus's folder, a manifest or a folder with audio files")
    if kind == "file":
        # Whatever its suffix: it was named.
        return _Unlabelled(tuple(of_file("file", file) for file in storage.look_up([place]).values()), ())
    found = audio_among(storage.walk(place))
    if not found.audio:
        raise UserError(f"{place} holds no audio files ({', '.join(AUDIO_SUFFIXES)}): give a folder that does")
    title = place.rstrip("/").rpartition("/")[2] or place
    return _Unlabelled(tuple(of_file(title, file) for file in found.audio), tuple(file.name for file in found.others))
