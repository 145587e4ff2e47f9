"""The content of `dataset.json`, of a dataset that has been prepared from corpora."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.corpora.corpus import Corpus, Listing
from data_pipeline.dataset import Dataset, Split, fingerprint
from data_pipeline.emotion import EMOTIONS
from data_pipeline.errors import SetAside
from data_pipeline.prepare.plan import PreparePlan, Shard, plan_digest
from data_pipeline.prepare.shard_result import ShardResult
from data_pipeline.quality.duplicates import Conflict, conflicts
from data_pipeline.splits import SPLITS
from data_pipeline.storage import is_remote


@dataclass(frozen=True, slots=True)
class FoundCorpus:
    """A corpus at its place.

    Attributes:
        corpus: The corpus.
        place: A path or a URL.
        listing: What was found there.
    """

    corpus: Corpus
    place: str
    listing: Listing


def describe(plan: PreparePlan, found: Sequence[FoundCorpus], results: Sequence[ShardResult], folder: Path) -> dict:
    """The content of `dataset.json`.

    Args:
        plan: What was to be written.
        found: The corpora that it was made of.
        results: What became of each shard, in the plan's order.
        folder: The folder of the dataset.
    """
    shards = list(zip(plan.shards, results, strict=True))
    written = [clip for result in results for clip in result.written]
    names = {clip.name for clip in written}
    usable = {
        name: clip
        for source in found
        for clip in source.listing.clips
        if (name := f"{clip.corpus}/{clip.name}") in names
    }
    voted = {name for name, clip in usable.items() if any((clip.votes or {}).values())}
    splits = {split: _split([both for both in shards if both[0].split == split], voted) for split in SPLITS}
    set_aside = [clip for source in found for clip in source.listing.set_aside]
    set_aside += [clip for result in results for clip in result.set_aside]
    digests = [clip.digest for clip in written]
    labels = [(clip.name, clip.emotion) for clip in written]
    membership = [(clip.name, shard.split) for shard, result in shards for clip in result.written]
    dataset = Dataset(
        folder=folder,
        emotions=_in_order({clip.emotion for clip in usable.values()}),
        corpora=tuple(dict.fromkeys(source.corpus.name for source in found)),
        speakers_unknown=sum(not clip.speaker_known for clip in usable.values()),
        synthetic=any(source.corpus.synthetic for source in found),
        split_kind=plan.split_kind,
        fingerprint=fingerprint((shard.split, result.digest) for shard, result in shards),
        splits={name: split for name, split in splits.items() if split.clips},
    )
    return dataset.to_json(
        origin={
            "plan": plan_digest(plan.split_kind, [result.plan for result in results]),
            "sample_rate": SAMPLE_RATE,
        },
        counts={
            "seconds": _seconds(results),
            "clips_with_votes": len(voted),
            "clips_with_demographics": sum(bool(clip.sex) and clip.age is not None for clip in usable.values()),
        },
        notes={
            "sources": [_source(source) for source in found],
            "set_aside": _sorted(_set_aside(set_aside)),
            "contradictions": [_conflict(one, "emotions") for one in conflicts(labels, digests)],
            "leaks": [_conflict(one, "sides") for one in conflicts(membership, digests)],
            "cut_off": sorted(clip.name for clip in written if clip.cut_off),
        },
    )


def described_anew(content: dict, found: Sequence[FoundCorpus]) -> dict:
    """A description of the same records that says what is known of the sources now.

    Args:
        content: Content of `dataset.json`.
        found: The corpora that the dataset would be made of now.
    """
    sources = [_source(source) for source in found]
    before = [clip for source in content["sources"] for clip in source["set_aside"]]
    undecoded = [clip for clip in content["set_aside"] if clip not in before]
    now = [clip for source in sources for clip in source["set_aside"]]
    return {**content, "sources": sources, "set_aside": _sorted(undecoded + now)}


def _split(shards: Sequence[tuple[Shard, ShardResult]], voted: set[str]) -> Split:
    shards = [(shard, result) for shard, result in shards if result.written]
    clips = [clip for _, result in shards for clip in result.written]
    emotions = Counter(clip.emotion for clip in clips)
    return Split(
        clips=len(clips),
        seconds=_seconds([result for _, result in shards]),
        speakers=tuple(sorted({clip.speaker for clip in clips})),
        emotions={emotion: emotions[emotion] for emotion in _in_order(emotions)},
        shards=tuple(shard.name for shard, _ in shards),
        shard_bytes={shard.name: result.size for shard, result in shards},
        voted=sum(clip.name in voted for clip in clips),
    )


def _in_order(emotions: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(emotions, key=EMOTIONS.index))


def _seconds(results: Sequence[ShardResult]) -> float:
    return round(sum(clip.samples for result in results for clip in result.written) / SAMPLE_RATE, 3)


def _source(source: FoundCorpus) -> dict:
    corpus, place = source.corpus, source.place
    return {
        "corpus": corpus.name,
        "title": corpus.title,
        "licence": corpus.licence,
        "url": corpus.url,
        "place": place if is_remote(place) else str(Path(place).resolve()),
        "clips": len(source.listing.clips),
        "ignored": list(source.listing.ignored),
        "elsewhere": list(source.listing.elsewhere),
        "others": list(source.listing.others),
        "set_aside": _set_aside(source.listing.set_aside),
    }


def _set_aside(clips: Sequence[SetAside]) -> list[dict[str, str]]:
    return [{"file": clip.file, "reason": clip.reason} for clip in clips]


def _sorted(clips: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(clips, key=lambda clip: (clip["file"], clip["reason"]))


def _conflict(conflict: Conflict, values: str) -> dict[str, list[str]]:
    return {"names": list(conflict.names), values: list(conflict.values)}
