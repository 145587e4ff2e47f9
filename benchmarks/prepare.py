"""The speed of `prepare` against a plain loop over `librosa.load`."""

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
    """Times for one corpus.

    Attributes:
        corpus: Name of the corpus.
        clips: Number of clips.
        audio_seconds: Seconds of audio.
        prepare_seconds: Seconds that `prepare` took.
        librosa_seconds: Seconds that the loop over librosa took.
    """

    corpus: str
    clips: int
    audio_seconds: float
    prepare_seconds: float
    librosa_seconds: float

    @property
    def ratio(self) -> float:
        """Time of librosa over that of `prepare`."""
        return self.librosa_seconds / self.prepare_seconds


class _Repeated(Corpus):
    """The clips of a corpus several times, each time under other names."""

    speakers = licence = url = ""

    def __init__(self, corpus: Corpus, clips: list[Clip], times: int, published: bool) -> None:
        self.name, self.title, self.acted = corpus.name, corpus.title, published
        self._corpus = corpus
        self._times = times
        self._all = tuple(replace(clip, name=f"{clip.name}#{number}") for number in range(times) for clip in clips)

    def read(self, source: str) -> Listing:
        # The corpus is listed as often as it is repeated, so that listing takes as long as for a corpus of that size.
        for _ in range(self._times):
            self._corpus.read(source)
        return Listing(self._all)


def measure(corpus: Corpus, place: str, least_clips: int, rounds: int, published: bool = True) -> Result:
    """Time `prepare` and the loop over librosa.

    Args:
        corpus: The corpus.
        place: Its place.
        least_clips: Least number of clips; clips are repeated to reach it.
        rounds: Number of rounds of each.
        published: Whether the clips are taken for those of a published corpus, which nobody looks for speech in.
    """
    import librosa

    from data_pipeline.prepare.job import prepare

    found = corpus.clips(place)
    repeated = _Repeated(corpus, found, -(-least_clips // len(found)), published)
    clips = repeated.clips(place)
    ours, theirs, audio = [], [], 0.0
    # Before the timing: imports, and files into the page cache.
    for clip in clips:
        Path(clip.file.location).read_bytes()
    librosa.load(clips[0].file.location, sr=16_000)
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            summary = prepare([(repeated, place)], Path(folder) / "data")
            ours.append(time.perf_counter() - start)
        audio = sum(split.seconds for split in summary.dataset.splits.values())
        start = time.perf_counter()
        for clip in clips:
            librosa.load(clip.file.location, sr=16_000)
        theirs.append(time.perf_counter() - start)
    return Result(corpus.name, len(clips), audio, statistics.median(ours), statistics.median(theirs))


def main(
    sources: Annotated[list[str], typer.Argument(metavar="NAME=PLACE...", help="Corpora, as for `ser data prepare`.")],
    least_clips: Annotated[int, typer.Option(help="Least number of clips; a smaller corpus is repeated.")] = 6_000,
    rounds: Annotated[int, typer.Option(help="Number of rounds of each; the median counts.", min=1)] = 3,
    own: Annotated[
        bool, typer.Option("--own", help="Take the clips for own recordings, in which `prepare` looks for speech.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Time `prepare` against a plain loop over `librosa.load`, side by side.

    For each corpus, two things are timed in one run on the same machine: `prepare` as `ser data prepare` runs it
    (listing, a pool of processes, decoding, resampling, quality checks, records), and a loop that calls
    `librosa.load(path, sr=16000)` on every file and keeps nothing. Both resample with soxr, so that the rest is
    compared. Rounds alternate, so that other work on the machine slows both down, and their medians count. The clips of
    small corpora are repeated under other names until there are so many that the start of the pool does not matter.

    In own recordings `prepare` also looks for speech, which librosa's loop does not: `--own`.

    The claim, in `docs/results.md`: `ser data prepare` is faster than a loop over `librosa.load` that keeps nothing.

    Example: `python -m benchmarks.prepare crema_d=path/to/CREMA-D ravdess=path/to/RAVDESS`
    """
    results = [measure(corpus, place, least_clips, rounds, not own) for corpus, place in parse_sources(sources)]
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
