"""How fast `prepare` is against a plain loop over `librosa.load`.

    python -m benchmarks.prepare crema_d=path/to/CREMA-D ravdess=path/to/RAVDESS

For each corpus, in one run and on the same machine: `prepare` as `ser data prepare` runs it (listing, a pool of
processes, decoding, resampling, quality checks, records), and a loop that calls `librosa.load(path, sr=16000)` on every
file and keeps nothing. Both resample with soxr, so that what is compared is what is wasted. Rounds alternate, so that
other work on the machine slows both sides down, and their medians count. Small corpora are copied under other
names until there are enough clips for the pool's start not to matter; the copies are made outside the timing.
"""

import statistics
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.report import run, show
from data_pipeline.clip import Clip
from data_pipeline.corpora.corpus import Corpus, Listing
from data_pipeline.corpora.sources import parse_sources


@dataclass(frozen=True, slots=True)
class Result:
    """Of one corpus: seconds each, and how many times faster `prepare` is."""

    corpus: str
    clips: int
    audio_seconds: float
    prepare_seconds: float
    librosa_seconds: float

    @property
    def ratio(self) -> float:
        """Librosa's time over ours."""
        return self.librosa_seconds / self.prepare_seconds


class _Repeated(Corpus):
    """A corpus's clips several times, each time under other names."""

    speakers = licence = url = ""

    def __init__(self, corpus: Corpus, clips: list[Clip], times: int) -> None:
        self.name, self.title = corpus.name, corpus.title
        self._corpus = corpus
        self._times = times
        self._all = tuple(replace(clip, name=f"{clip.name}#{number}") for number in range(times) for clip in clips)

    def read(self, source: str) -> Listing:
        # The corpus is listed as often as it is read, so that this costs what a corpus of that size costs.
        for _ in range(self._times):
            self._corpus.read(source)
        return Listing(self._all)


def measure(corpus: Corpus, place: str, least_clips: int, rounds: int) -> Result:
    """Time both sides.

    Args:
        corpus: Which.
        place: Where it lies.
        least_clips: Its clips are repeated until there are so many.
        rounds: Of each side.
    """
    import librosa

    from data_pipeline.prepare.job import prepare

    found = corpus.clips(place)
    repeated = _Repeated(corpus, found, -(-least_clips // len(found)))
    clips = repeated.clips(place)
    ours, theirs, audio = [], [], 0.0
    # Both once before the clock runs: imports, files into the page cache.
    for clip in clips:
        Path(clip.file.location).read_bytes()
    librosa.load(clips[0].file.location, sr=16_000)
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            summary = prepare([(repeated, place)], Path(folder) / "data")
            ours.append(time.perf_counter() - start)
        audio = sum(side.seconds for side in summary.dataset.splits.values())
        start = time.perf_counter()
        for clip in clips:
            librosa.load(clip.file.location, sr=16_000)
        theirs.append(time.perf_counter() - start)
    return Result(corpus.name, len(clips), audio, statistics.median(ours), statistics.median(theirs))


def main(
    sources: Annotated[list[str], typer.Argument(metavar="NAME=PLACE...", help="Corpora, as for `ser data prepare`.")],
    least_clips: Annotated[int, typer.Option(help="A smaller corpus is repeated until it has so many clips.")] = 6_000,
    rounds: Annotated[int, typer.Option(help="Of each side; the median counts.", min=1)] = 3,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Time `prepare` against a plain loop over `librosa.load`, side by side."""
    results = [measure(corpus, place, least_clips, rounds) for corpus, place in parse_sources(sources)]
    show(
        "seconds; median of the rounds",
        ("corpus", "clips", "hours", "prepare", "librosa loop", "ratio", "x real time"),
        [
            (
                result.corpus,
                (
                    result.clips,
                    result.audio_seconds / 3600,
                    result.prepare_seconds,
                    result.librosa_seconds,
                    result.ratio,
                    result.audio_seconds / result.prepare_seconds,
                ),
            )
            for result in results
        ],
        "ratio: " + ", ".join(f"{result.ratio:.2f} x ({result.corpus})" for result in results),
        [{**asdict(result), "ratio": result.ratio} for result in results],
        json_file,
    )


if __name__ == "__main__":
    run(main)
