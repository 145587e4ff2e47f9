"""The commands `ser data …`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

    from data_pipeline.prepare import Summary

data_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Corpora on disk and what is made of them: list, make and prepare.",
)

_LISTED = 20
"""Lines of set-aside clips and contradictions shown before the rest is left to `dataset.json`."""


def mount(app: typer.Typer) -> None:
    """Add this package's commands to `ser`."""
    app.add_typer(data_app, name="data")


@data_app.command("list")
def list_corpora() -> None:
    """List the corpora that `ser data prepare` knows, with their licences and where to get them."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from data_pipeline.corpora import CORPORA, open_corpus

    table = Table("name", "corpus", box=box.SIMPLE_HEAD, show_edge=False)
    for corpus in map(open_corpus, CORPORA):
        lines = [corpus.title, f"{corpus.speakers}; {corpus.licence}", corpus.url]
        table.add_row(corpus.name, "\n".join(line for line in lines if line), end_section=True)
    Console().print(table)


@data_app.command(no_args_is_help=True)
def synthesize(
    folder: Annotated[Path, typer.Argument(help="Where the audio files go; made if it is missing.")],
    speakers: Annotated[int, typer.Option(help="How many voices.", min=1)] = 20,
    clips_per_emotion: Annotated[int, typer.Option(help="Utterances of each voice in each emotion.", min=1)] = 8,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.", min=0)] = 0,
) -> None:
    """Make a corpus of machine speech, for a machine without recorded speech.

    Emotions differ in pitch, rate, loudness and voice quality as the literature describes them. It serves
    demonstrations and tests; what a model scores on it says nothing about people.

    Example: `ser data synthesize out/corpus --speakers 20`,
    then `ser data prepare synthetic out/corpus out/data`
    """
    from data_pipeline.corpora.synthetic import synthesize as synthesize_corpus
    from data_pipeline.emotion import LABELS

    with _progress() as progress:
        task = progress.add_task("synthesising", total=speakers * len(LABELS) * clips_per_emotion)
        clips = synthesize_corpus(
            folder,
            speakers=speakers,
            clips_per_emotion=clips_per_emotion,
            seed=seed,
            on_clip=lambda *_: progress.advance(task),
        )
    typer.echo(f"{clips} synthetic clips in {folder}\nnext: ser data prepare synthetic {folder} DATASET")


@data_app.command(no_args_is_help=True)
def prepare(
    corpus: Annotated[str, typer.Argument(help="Name of a corpus (`ser data list`).")],
    source: Annotated[Path, typer.Argument(help="The folder that holds it.")],
    out: Annotated[Path, typer.Argument(help="The dataset's folder: new, or left by an earlier run.")],
    split: Annotated[
        str,
        typer.Option(
            help="`speaker`: the corpus's speaker split. `fold:K/N`: its speakers in N folds, the K-th "
            "validates. `random`: clip by clip, with speakers on all sides, for comparison only."
        ),
    ] = "speaker",
    workers: Annotated[
        int | None, typer.Option(help="Shards to work on at a time; one a processor unless given.", min=1)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another dataset in OUT.")] = False,
) -> None:
    """Turn a corpus of audio files into a dataset of 16 kHz mono records, split by speaker.

    Clips that cannot be decoded or are empty, silent or shorter than 0.1 s are set aside and listed with
    their reasons; the job goes on. A run that was interrupted is taken up again by the same command.

    Example: `ser data prepare crema_d ~/corpora/CREMA-D out/data`
    """
    from data_pipeline.corpora import open_corpus
    from data_pipeline.prepare import prepare as prepare_dataset

    known = open_corpus(corpus)
    with _progress() as progress:
        task = progress.add_task("preparing", total=None, visible=False)
        summary = prepare_dataset(
            [(known, source)],
            out,
            split=split,
            workers=workers,
            overwrite=overwrite,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total, visible=True),
        )
    _report(summary)


def _progress() -> "Progress":
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("clips, left"),
        TimeRemainingColumn(),
        TextColumn("taken"),
        TimeElapsedColumn(),
    )


def _report(summary: "Summary") -> None:
    from rich.console import Console

    dataset = summary.dataset
    clips = sum(side.clips for side in dataset.splits.values())
    Console().print(_split_table(summary))
    if dataset.synthetic:
        typer.echo("this is synthetic speech: what a model scores on it says nothing about people")
    if dataset.split_name == "random":
        typer.echo("this split puts the same speakers on all sides: its figures are for comparison only")
    typer.echo(
        f"listeners' votes: {_share(summary.with_votes, clips)}; "
        f"speaker's sex and age: {_share(summary.with_demographics, clips)}"
    )
    _list_some("set aside, {} in all:", [str(clip) for clip in summary.set_aside])
    _list_some(
        "identical audio under different labels, {} in all, kept:",
        [" = ".join(group.names) for group in summary.contradictions],
    )
    _list_some("audio files with other names, {} in all, ignored:", list(summary.ignored))
    if summary.unchanged:
        typer.echo(f"{dataset.folder} holds this dataset already: nothing to do")
    else:
        speed = summary.seconds_read / summary.seconds_taken
        typer.echo(
            f"{summary.seconds_read / 3600:.2f} h of audio in {summary.seconds_taken:.1f} s: {speed:,.0f} x real time"
        )
    typer.echo(f"dataset: {dataset.folder}\nnext: ser train mobilenet {dataset.folder} RUN")


def _split_table(summary: "Summary") -> "Table":
    from rich import box
    from rich.table import Table

    dataset = summary.dataset
    table = Table(
        title=f"{', '.join(dataset.corpora)}, split: {dataset.split_name}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=0,
    )
    table.add_column("side")
    for heading in (*dataset.labels, "clips", "speakers", "min"):
        table.add_column(heading, justify="right")
    for name, side in dataset.splits.items():
        counts = [side.emotions[label] for label in dataset.labels] + [side.clips, len(side.speakers)]
        table.add_row(name, *(f"{count:,}" for count in counts), f"{side.seconds / 60:.1f}")
    return table


def _share(part: int, whole: int) -> str:
    if part == 0:
        return "not known for any clip"
    return "for all clips" if part == whole else f"for {part:,} of {whole:,} clips"


def _list_some(heading: str, lines: list[str]) -> None:
    if not lines:
        return
    typer.echo(heading.format(len(lines)))
    for line in lines[:_LISTED]:
        typer.echo(f"  {line}")
    if len(lines) > _LISTED:
        typer.echo(f"  and {len(lines) - _LISTED} more in dataset.json")
