"""`ser data download`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_pipeline.errors import UserError

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from data_pipeline.download import Progress, Summary

_LISTED = 20


def download(
    corpus: Annotated[str, typer.Argument(help="`crema_d`, `ravdess`, `tess` or `emodb`.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where it goes; made if it is missing.")],
    yes: Annotated[bool, typer.Option("--yes", help="Accept the licence without being asked.")] = False,
    mirror: Annotated[
        str | None,
        typer.Option(
            help="A server of your own to ask in the publishers' place; see above.",
            metavar="URL",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(help="Files to fetch at a time.", min=1, max=64)] = 8,
    keep_archive: Annotated[
        bool, typer.Option("--keep-archive", help="Keep archives after they have been unpacked.")
    ] = False,
) -> None:
    """Fetch a corpus from its publisher, after a word on its licence.

    Every file is checked against the publisher's checksum where there is one. A download that was interrupted goes on
    where it stopped when the same command is run again; run once more, it checks what is there. Proxies are taken
    from `HTTPS_PROXY` and `NO_PROXY`.

    CREMA-D is 606 MB to fetch, RAVDESS 208 MB, TESS about 280 MB, EmoDB about 40 MB. SAVEE is given to registered users
    only; the command says where to register.

    A mirror keeps each host's files in a folder named as the host, as `wget --mirror` lays them out: with
    `--mirror https://files.example/speech`, what lies at `https://zenodo.org/records/1` is asked for as
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
    """A download's stages, one after another on one line."""

    def __init__(self, bar: "Bar") -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None, files="")
        self._stage = ""

    def update(self, progress: "Progress") -> None:
        """Show a report."""
        if progress.stage != self._stage:
            # Speed and time left are of this stage alone.
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


def _report(corpus: str, summary: "Summary") -> None:
    for archive in summary.archives:
        verdict = "as published" if archive.verified else "no checksum is published to compare it with"
        typer.echo(f"{archive.name}: {archive.size:,} bytes, {verdict}\n  sha256 {archive.sha256}")
    if summary.set_aside:
        typer.echo(f"could not be had, {len(summary.set_aside)} in all:")
        for clip in summary.set_aside[:_LISTED]:
            typer.echo(f"  {clip}")
        if len(summary.set_aside) > _LISTED:
            typer.echo(f"  and {len(summary.set_aside) - _LISTED} more in {summary.folder / '.download.json'}")
    if summary.fetched == 0:
        typer.echo("everything was there already, and its checksums are right: nothing to do")
    typer.echo(
        f"{summary.files:,} files, {summary.size / 1e6:,.1f} MB: {summary.folder}\n"
        f"next: ser data prepare {corpus}={summary.folder} OUT"
    )
