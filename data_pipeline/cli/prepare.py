"""`ser data prepare`."""

from typing import TYPE_CHECKING, Annotated

import typer

from data_pipeline.cli.options import ChosenTrack
from data_pipeline.cli.terminal import clip_progress, list_some
from data_pipeline.command_line import completion
from data_pipeline.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from data_pipeline.prepare.job import PrepareSummary

_REST = "in dataset.json"


def prepare(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=PLACE... OUT",
            autocompletion=completion.corpora("sources"),
            help="Corpora with their places (`ser data list` shows the names), then the folder of the dataset: new, or "
            "left by an earlier run. `NAME PLACE OUT` works for a single corpus. Places may be URLs "
            "(`gs://`, `s3://`).",
        ),
    ],
    split: Annotated[
        str,
        typer.Option(
            help="Kind of split. `speaker`: the speaker split of each corpus (the split column of a manifest, if it "
            "has one). `fold:K/N`: N folds of speakers, of which the K-th is for validation. `random`: clip by clip, "
            "with speakers in all splits, for comparison only."
        ),
    ] = "speaker",
    track: ChosenTrack = None,
    workers: Annotated[
        int | None, typer.Option(help="Number of processes; by default one per processor.", min=1)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another dataset in OUT.")] = False,
    runner: Annotated[
        str | None,
        typer.Option(
            help="Write the shards as an Apache Beam pipeline: `DirectRunner` (for trying it), `FlinkRunner`, "
            "`SparkRunner` or `DataflowRunner`. Needs `pip install 'speech-emotion-recognition[beam]'`."
        ),
    ] = None,
    runner_option: Annotated[
        list[str] | None,
        typer.Option(help="Option for Beam, such as `--runner-option=--region=us-east1`; repeatable."),
    ] = None,
) -> None:
    """Turn corpora of audio files into one dataset of 16 kHz mono records, split by speaker.

    Clips that cannot be decoded, are empty, silent, shorter than 0.1 s or not speech, or have channels that differ, are
    set aside and listed with their reasons. Of a file that was cut off, what is there is taken, and it is listed.
    To continue an interrupted run, run the same command again; on a finished dataset it changes nothing.

    A dataset on which no model can be trained (without a training or a validation split, or with a single emotion or
    speaker) is prepared all the same, for `ser evaluate`; the command says so, and what is missing.

    Examples: `ser data prepare crema_d=~/corpora/CREMA-D ravdess=~/corpora/RAVDESS out/data`,
    `ser data prepare manifest=calls.csv out/calls --split fold:1/5`
    """
    from data_pipeline.corpora.sources import parse_sources
    from data_pipeline.prepare.beam_runner import beam_writer
    from data_pipeline.prepare.job import prepare as prepare_dataset
    from data_pipeline.prepare.output_folder import OutputFolder

    if runner_option and not runner:
        raise UserError("--runner-option is for Apache Beam: name a --runner as well")
    *named, out = sources
    known = parse_sources(named)
    with clip_progress() as progress:
        task = progress.add_task("preparing", total=None, visible=False)
        summary = prepare_dataset(
            known,
            out,
            split=split,
            workers=workers,
            overwrite=overwrite,
            track=track,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total, visible=True),
            write_shards=beam_writer(runner, runner_option or [], OutputFolder(out)) if runner else None,
        )
    _report(summary)


def _report(summary: "PrepareSummary") -> None:
    from rich.console import Console

    from data_pipeline.audio.audio_files import by_suffix
    from data_pipeline.emotion import LABELS
    from data_pipeline.prepare.trainable import trainable
    from data_pipeline.storage import is_remote

    dataset = summary.dataset
    clips = sum(split.clips for split in dataset.splits.values())
    Console().print(_split_table(summary))
    if dataset.synthetic:
        typer.echo("this is synthetic speech: what a model scores on it says nothing about people")
    if dataset.split_kind == "random":
        typer.echo("the random split puts the same speakers in all splits: its figures are for comparison only")
    typer.echo(
        f"listeners' votes: {_share(summary.with_votes, clips)}; "
        f"speaker's sex and age: {_share(summary.with_demographics, clips)}"
    )
    list_some("set aside, {} in all:", [str(clip) for clip in summary.set_aside], _REST)
    list_some(
        "identical audio under different labels, {} in all, kept:",
        [" = ".join(group.names) for group in summary.contradictions],
        _REST,
    )
    list_some(
        "identical audio in different splits, {} in all, kept:",
        [" = ".join(group.names) for group in summary.leaks],
        _REST,
    )
    list_some("cut off, {} in all, kept as far as they go:", list(summary.cut_off), _REST)
    list_some("audio files with other names, {} in all, ignored:", list(summary.ignored), _REST)
    list_some("audio files in other folders, {} in all, ignored:", list(summary.elsewhere), _REST)
    if summary.others:
        typer.echo(f"passed over, not audio by their suffixes: {by_suffix(summary.others)}")
    list_some("speakers that are no name, {} in all:", list(summary.doubtful_speakers), "")
    for name, split in dataset.splits.items():
        outside = [f"{emotion} {count:,}" for emotion, count in split.emotions.items() if emotion not in LABELS]
        if outside:
            counts = ", ".join(outside)
            typer.echo(f"outside the six default labels: {counts} ({name})")
    if dataset.speakers_unknown:
        typer.echo(
            f"the speaker of {dataset.speakers_unknown:,} clips is unknown: each file counts as a speaker of its own, "
            "so a person may be in two splits, and figures may be too good"
        )
    if summary.unchanged:
        typer.echo(f"{summary.location} holds this dataset already: nothing to do")
    else:
        speed = summary.seconds_read / summary.seconds_taken
        typer.echo(
            f"{summary.seconds_read / 3600:.2f} h of audio in {summary.seconds_taken:.1f} s: {speed:,.0f} x real time"
        )
    typer.echo(f"dataset: {summary.location}")
    training = trainable(dataset)
    for doubt in training.doubts:
        typer.echo(f"warning: {doubt}")
    for obstacle in training.obstacles:
        typer.echo(f"warning: no model can be trained on this dataset: {obstacle}")
    place = "COPY" if is_remote(summary.location) else summary.location
    command = f"ser train mobilenet {place} RUN"
    if training.obstacles:
        command = f"ser evaluate RUN {place} --split all"
    elif training.emotions:
        command += f" --emotions {','.join(training.emotions)}"
    typer.echo(f"next: {'copy it to this machine, then ' * is_remote(summary.location)}{command}")


def _split_table(summary: "PrepareSummary") -> "Table":
    from rich import box
    from rich.table import Table

    dataset = summary.dataset
    table = Table(
        title=f"{', '.join(dataset.corpora)}, split: {dataset.split_kind}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=0,
    )
    table.add_column("split")
    for heading in (*dataset.emotions, "clips", "speakers", "min"):
        table.add_column(heading, justify="right")
    for name, split in dataset.splits.items():
        counts = [split.emotions.get(emotion, 0) for emotion in dataset.emotions] + [split.clips, len(split.speakers)]
        table.add_row(name, *(f"{count:,}" for count in counts), f"{split.seconds / 60:.1f}")
    return table


def _share(part: int, whole: int) -> str:
    if part == 0:
        return "not known for any clip"
    return "for all clips" if part == whole else f"for {part:,} of {whole:,} clips"
