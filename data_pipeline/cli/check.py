"""`ser data check`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_pipeline.cli.options import ChosenTrack
from data_pipeline.cli.terminal import clip_progress, list_some
from data_pipeline.command_line import completion

if TYPE_CHECKING:
    from rich.progress import TaskID

    from data_pipeline.quality.check import Check

_STRICT_STATUS = 2
"""Exit status of `--strict`; 1 is for commands that could not do their work."""

_REST = "on the page"


def check(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            autocompletion=completion.corpora("paths"),
            help="A corpus as `NAME=PLACE` (`ser data list` shows the names), or a folder, manifest or audio file. "
            "The corpus of a place without a name is recognised by its files; if there is none, every audio file is "
            "checked without a label. Where a folder holds several corpora, name each of them.",
        ),
    ],
    output: Annotated[
        Path, typer.Option(help="Folder for `check.html` and `check.json`; made if it is missing.")
    ] = Path("out/check"),
    track: ChosenTrack = None,
    workers: Annotated[
        int | None, typer.Option(help="Number of processes; by default one per processor.", min=1)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON instead of tables.")] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Exit with status 2 if clips are unusable, or if the same audio has several labels or is in several "
            "splits.",
        ),
    ] = False,
) -> None:
    """Find what is wrong with corpora before they are prepared.

    The check reports clips that cannot be decoded, are cut off, empty, silent, too short, too long or clipped, hold no
    speech, or have channels that differ, such as the parties of a call; DC offsets and dead channels; levels and
    sampling rates that differ from the rest of the corpus. It finds audio that is there
    twice, identical or nearly (re-encoded, amplified, shifted, trimmed), and tells whether its labels agree. No file is
    changed.

    Of a corpus as a whole it reports that its clips were cut or padded to one duration.

    Examples: `ser data check crema_d=~/corpora/CREMA-D`, `ser data check calls.csv recordings/ --strict`
    """
    from data_pipeline.quality.check import check as check_corpora
    from data_pipeline.quality.check_files import summary, write
    from data_pipeline.storage.claimed_folder import claimed

    progress = clip_progress()
    # The progress bar is on standard output, like the JSON.
    progress.disable = as_json
    tasks: dict[str, TaskID] = {}

    def show(step: str, done: int, total: int) -> None:
        if step not in tasks:
            tasks[step] = progress.add_task(step, total=total)
        progress.update(tasks[step], completed=done)

    # An output that cannot be written is found out before hours of work.
    with claimed(output):
        with progress:
            result = check_corpora(paths, workers=workers, on_progress=show, track=track)
        page = write(result, output)
    if as_json:
        import json

        typer.echo(json.dumps(summary(result), indent=1, ensure_ascii=False))
    else:
        _report(result)
        typer.echo(f"page: {page}\nall figures: {page.with_suffix('.json')}")
    if strict and (result.unusable or result.contradictions or result.leaks):
        raise typer.Exit(_STRICT_STATUS)


def _report(result: "Check") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from data_pipeline.audio.audio_files import by_suffix
    from data_pipeline.corpora.unnamed_speaker import doubtful_speakers
    from data_pipeline.quality.findings import UNUSABLE, Kind

    table = Table("", box=box.SIMPLE_HEAD, show_edge=False)
    for name in result.corpora:
        table.add_column(name, justify="right")
    corpus_of = [recording.corpus for recording in result.recordings]
    table.add_row("clips", *(f"{corpus_of.count(name):,}" for name in result.corpora), end_section=True)
    for kind in result.counts:
        found = [corpus_of[finding.place] for finding in result.findings if finding.kind is kind]
        table.add_row(
            f"{kind.value}{' (unusable)' if kind in UNUSABLE else ''}",
            *(f"{found.count(name):,}" for name in result.corpora),
        )
    Console().print(table)
    for about in result.corpus_findings:
        typer.echo(f"{about.kind}: {about.corpus} {about.detail}")
    order = list(Kind)
    worst_first = sorted(result.findings, key=lambda finding: (order.index(finding.kind), finding.place))
    findings = [f"{result.recordings[finding.place].title} {finding.detail}" for finding in worst_first]
    list_some("{} findings:", findings, _REST)
    list_some("described badly, {} in all:", [str(clip) for clip in result.set_aside], _REST)
    list_some("audio files with other names, {} in all, not checked:", list(result.ignored), _REST)
    list_some(
        "audio files beside the corpus, {} in all, not checked; name each corpus with its folder (NAME=PLACE):",
        list(result.elsewhere),
        _REST,
    )
    if result.others:
        typer.echo(f"passed over, not audio by their suffixes: {by_suffix(result.others)}")
    named = (recording.speaker for recording in result.recordings if recording.speaker)
    list_some("speakers that are no name, {} in all:", doubtful_speakers(named), "")
    groups = sorted(result.repeats, key=lambda group: (not group.contradictory, not group.leaking, not group.exact))
    list_some(
        "audio that is there more than once, {} groups:",
        [
            f"{' {} '.format('=' if group.exact else '~').join(one.title for one in group.recordings)}"
            + (": contradicting labels" if group.contradictory else "")
            + (": several splits" if group.leaking else "")
            for group in groups
        ],
        _REST,
    )
