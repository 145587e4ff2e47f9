"""`ser data download`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_pipeline.cli.terminal import list_some
from data_pipeline.command_line.completion import one_of
from data_pipeline.errors import UserError

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from data_pipeline.download import DownloadSummary, Progress


def _published(incomplete: str) -> list[str]:
    """For the shell: the corpora whose publishers are known."""
    from data_pipeline.download.publishers import PUBLISHERS

    return one_of(lambda: PUBLISHERS)(incomplete)


def download(
    corpus: Annotated[str, typer.Argument(help="`crema_d`, `ravdess`, `tess` or `emodb`.", autocompletion=_published)],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the corpus; made if it is missing.")],
    yes: Annotated[bool, typer.Option("--yes", help="Accept the licence without being asked.")] = False,
    mirror: Annotated[
        str | None,
        typer.Option(
            help="Address of your own server to use instead of the publishers' servers; see above.",
            metavar="URL",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(help="Number of files to download at a time.", min=1, max=64)] = 8,
    keep_archive: Annotated[bool, typer.Option("--keep-archive", help="Keep archives after unpacking them.")] = False,
) -> None:
    """Download a corpus from its publisher, after showing its licence.

    Every file is checked against the publisher's checksum where there is one. To continue an interrupted download, run
    the same command again; for a finished download the command checks the files. Proxies are taken from `HTTPS_PROXY`
    and `NO_PROXY`.

    CREMA-D has 606 MB, RAVDESS 208 MB, TESS about 280 MB, EmoDB about 40 MB. SAVEE is given to registered users only;
    the command says where to register.

    A mirror keeps the files of each host in a folder named after the host, as `wget --mirror` lays them out. With
    `--mirror https://files.example/speech`, the file at `https://zenodo.org/records/1` is requested from
    `https://files.example/speech/zenodo.org/records/1`.

    Example: `ser data download crema_d ~/corpora/CREMA-D`,
    then `ser data prepare crema_d=~/corpora/CREMA-D out/data`
    """
    from data_pipeline.corpora import open_corpus
    from data_pipeline.download import download as download_corpus
    from data_pipeline.download import publisher_of

    publisher = publisher_of(corpus)
    known = open_corpus(corpus)
    typer.echo(
        f"{known.title}\n  {known.url}\nlicence: {known.licence}\n  {publisher.terms}\nchecks: {publisher.assurance}"
    )
    _confirm(yes)
    try:
        with _bar() as bar:
            shown = _Shown(bar)
            summary = download_corpus(
                corpus, folder, mirror=mirror, workers=workers, keep_archive=keep_archive, on_progress=shown.update
            )
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from here", err=True)
        raise typer.Exit(130) from None
    _report(corpus, summary)


def _confirm(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError("the licence has to be accepted and there is no terminal to ask at: read it and add --yes")
    if not typer.confirm("Do you accept the licence?"):
        raise UserError("the licence was not accepted: nothing was downloaded")


class _Shown:
    """The stages of a download, one after the other on one line."""

    def __init__(self, bar: "Bar") -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None, files="")
        self._stage = ""

    def update(self, progress: "Progress") -> None:
        """Show a report."""
        if progress.stage != self._stage:
            # Speed and time left are those of this stage only.
            self._bar.reset(self._task, description=progress.stage)
            self._stage = progress.stage
        self._bar.update(
            self._task,
            completed=progress.size,
            total=progress.total_size,
            files=f"{progress.files:,}/{progress.total_files:,} files" if progress.total_files > 1 else "",
        )


def _bar() -> "Bar":
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[files]}"),
        DownloadColumn(),
        TransferSpeedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )


def _report(corpus: str, summary: "DownloadSummary") -> None:
    for archive in summary.archives:
        verdict = "as published" if archive.verified else "no checksum is published to compare it with"
        typer.echo(f"{archive.name}: {archive.size:,} bytes, {verdict}\n  sha256 {archive.sha256}")
    rest = f"in {summary.folder / '.download.json'}"
    list_some("could not be downloaded, {} in all:", [str(clip) for clip in summary.set_aside], rest)
    if summary.fetched == 0:
        typer.echo("everything was there already, and its checksums are right: nothing to do")
    typer.echo(
        f"{summary.files:,} files, {summary.size / 1e6:,.1f} MB: {summary.folder}\n"
        f"next: ser data prepare {corpus}={summary.folder} OUT"
    )
