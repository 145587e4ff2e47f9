"""What `dataset.json` says of a dataset that has been prepared."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.corpora.corpus import Corpus, Listing
from data_pipeline.dataset import FORMAT
from data_pipeline.emotion import EMOTIONS, Emotion
from data_pipeline.errors import SetAside
from data_pipeline.prepare.outcome import Outcome
from data_pipeline.prepare.plan import Plan, plan_digest
from data_pipeline.quality import contradictions
from data_pipeline.splits import SPLITS, SplitName
from data_pipeline.storage import is_remote


@dataclass(frozen=True, slots=True)
class FoundCorpus:
    """A corpus at its place.

    Attributes:
        corpus: Which.
        place: A path or a URL.
        listing: What was found there.
    """

    corpus: Corpus
    place: str
    listing: Listing


def describe(found: Sequence[FoundCorpus], split_kind: str, plan: Plan, outcomes: Sequence[Outcome]) -> dict:
    """The content of `dataset.json`.

    Args:
        found: What went in.
        split_kind: Kind of the split.
        plan: What was to be written.
        outcomes: What became of each shard, in the plan's order.
    """
    kept = {clip.name for outcome in outcomes for clip in outcome.kept}
    labelled = ((clip.name, Emotion(clip.emotion), clip.digest) for outcome in outcomes for clip in outcome.kept)
    usable = [clip for source in found for clip in source.listing.clips if f"{clip.corpus}/{clip.name}" in kept]
    emotions = {clip.emotion for clip in usable}
    return {
        "format": FORMAT,
        "emotions": [emotion for emotion in EMOTIONS if emotion in emotions],
        "corpora": list(dict.fromkeys(source.corpus.name for source in found)),
        "synthetic": any(source.corpus.synthetic for source in found),
        "split": split_kind,
        "fingerprint": _fingerprint(plan, outcomes),
        "plan": plan_digest(split_kind, [outcome.plan for outcome in outcomes]),
        "sample_rate": SAMPLE_RATE,
        "clips": len(usable),
        "seconds": _seconds(outcomes),
        "clips_with_votes": sum(any((clip.votes or {}).values()) for clip in usable),
        "clips_with_demographics": sum(bool(clip.sex) and clip.age is not None for clip in usable),
        "speakers_unknown": sum(not clip.speaker_known for clip in usable),
        "splits": _splits(plan, outcomes),
        "sources": [_source(source) for source in found],
        "set_aside": _in_order(_set_aside(found, outcomes)),
        "contradictions": [
            {"names": list(group.names), "emotions": list(group.emotions)} for group in contradictions(labelled)
        ],
        "leaks": _leaks(plan, outcomes),
    }


def described_anew(content: dict, found: Sequence[FoundCorpus]) -> dict:
    """A description whose records are as they were, with what is to be said of the sources now.

    Args:
        content: Of `dataset.json`.
        found: What would go in now.
    """
    sources = [_source(source) for source in found]
    before = [clip for source in content["sources"] for clip in source["set_aside"]]
    undecoded = [clip for clip in content["set_aside"] if clip not in before]
    now = [clip for source in sources for clip in source["set_aside"]]
    return {**content, "sources": sources, "set_aside": _in_order(undecoded + now)}


def _fingerprint(plan: Plan, outcomes: Sequence[Outcome]) -> str:
    lines = (f"{shard.split} {outcome.digest}\n" for shard, outcome in zip(plan.shards, outcomes, strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _splits(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, dict]:
    with_votes = {
        f"{clip.corpus}/{clip.name}"
        for shard in plan.shards
        for clip in shard.clips
        if any((clip.votes or {}).values())
    }
    splits: dict[str, dict] = {}
    for split in SPLITS:
        shards = [
            (shard, outcome)
            for shard, outcome in zip(plan.shards, outcomes, strict=True)
            if shard.split == split and outcome.kept
        ]
        if not shards:
            continue
        kept = [clip for _, outcome in shards for clip in outcome.kept]
        emotions = Counter(clip.emotion for clip in kept)
        splits[split] = {
            "clips": len(kept),
            "seconds": _seconds([outcome for _, outcome in shards]),
            "speakers": sorted({clip.speaker for clip in kept}),
            "clips_with_votes": sum(clip.name in with_votes for clip in kept),
            "emotions": {emotion: emotions[emotion] for emotion in EMOTIONS if emotions[emotion]},
            "shards": [shard.name for shard, _ in shards],
            "shard_bytes": {shard.name: outcome.size for shard, outcome in shards},
        }
    return splits


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
        "set_aside": _to_json(source.listing.set_aside),
    }


def _set_aside(found: Sequence[FoundCorpus], outcomes: Sequence[Outcome]) -> list[dict[str, str]]:
    clips = [clip for source in found for clip in source.listing.set_aside]
    return _to_json(clips + [clip for outcome in outcomes for clip in outcome.set_aside])


def _to_json(clips: Sequence[SetAside]) -> list[dict[str, str]]:
    return [{"file": clip.file, "reason": clip.reason} for clip in clips]


def _in_order(clips: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(clips, key=lambda clip: (clip["file"], clip["reason"]))


def _leaks(plan: Plan, outcomes: Sequence[Outcome]) -> list[dict[str, list[str]]]:
    """Groups of clips with the same samples of which not all are in one split."""
    same: dict[str, list[tuple[str, SplitName]]] = {}
    for shard, outcome in zip(plan.shards, outcomes, strict=True):
        for clip in outcome.kept:
            same.setdefault(clip.digest, []).append((clip.name, shard.split))
    groups = (sorted(group) for group in same.values() if len({split for _, split in group}) > 1)
    return [{"names": [name for name, _ in group], "sides": [split for _, split in group]} for group in sorted(groups)]


def _seconds(outcomes: Sequence[Outcome]) -> float:
    return round(sum(clip.samples for outcome in outcomes for clip in outcome.kept) / SAMPLE_RATE, 3)
