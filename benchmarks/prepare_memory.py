"""The memory that `prepare` takes for a large corpus, all its processes together."""

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.report import run, show
from data_pipeline.corpora.sources import parse_sources
from data_pipeline.errors import UserError

_SECONDS_BETWEEN_LOOKS = 0.25


def write_manifest(path: Path, source: str, clips: int) -> None:
    """Write a manifest of many clips, from the files of a corpus.

    Args:
        path: Path of the manifest.
        source: A corpus and its place, `NAME=PLACE`.
        clips: Number of lines.
    """
    ((corpus, place),) = parse_sources([source])
    found = corpus.clips(place)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("path", "emotion", "speaker", "name"))
        for number in range(clips):
            clip = found[number % len(found)]
            location = Path(clip.file.location).resolve()
            rows.writerow((location, clip.emotion, clip.speaker, f"{clip.name}#{number}"))


def memory_of(pid: int) -> float:
    """Proportional set size in bytes of a process and all its descendants; processes that have ended count nothing."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(folder.name))
    total, left = 0, [pid]
    while left:
        one = left.pop()
        left += children.get(one, [])
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(1_024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def main(
    source: Annotated[str, typer.Argument(metavar="NAME=PLACE", help="A corpus, as for `ser data prepare`.")],
    clips: Annotated[int, typer.Option(help="Number of clips to prepare.", min=1)] = 100_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Prepare a large corpus and print the most memory that it took.

    A manifest names the files of the corpus repeatedly, under other names, until there are as many clips as wanted.
    Memory is the proportional set size (Linux; a page that several processes share counts once) of `ser data prepare`
    and all processes that it starts, measured several times a second.

    The claim, in `docs/results.md`: `ser data prepare` takes little memory, however many clips there are.

    Example: `python -m benchmarks.prepare_memory crema_d=path/to/CREMA-D --clips 100000`
    """
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "clips.csv"
        write_manifest(manifest, source, clips)
        command = [sys.executable, "-m", "ser", "data", "prepare", f"manifest={manifest}", f"{folder}/data"]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        most = 0.0
        while process.poll() is None:
            most = max(most, memory_of(process.pid))
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        seconds = time.perf_counter() - start
        if process.returncode:
            raise UserError(f"`ser data prepare` ended with status {process.returncode}; its message is above")
    show(
        f"{clips:,} clips",
        ("", "MiB", "s"),
        [("ser data prepare, all its processes", (most / 2**20, seconds))],
        f"most memory: {most / 2**20:,.0f} MiB",
        {"clips": clips, "most_bytes": most, "seconds": seconds},
        json_file,
    )


if __name__ == "__main__":
    run(main)
