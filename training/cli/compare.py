"""The command `ser compare`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from training.cli.evaluate import check_place


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN...", help="Run folders; each is compared with the first.")
    ],
    data: Annotated[
        Path | None, typer.Option(help="A prepared dataset. By default the one that the runs were trained on.")
    ] = None,
    split: Annotated[str, typer.Option(help="The split: `train`, `validation` or `test`.")] = "validation",
    channel: Annotated[
        str, typer.Option(help="Channel that the clips go through first, see `ser evaluate`.")
    ] = "clean",
    labels: Annotated[
        Literal["acted", "voted"], typer.Option(help="Measure against `acted` or `voted`, see `ser evaluate`.")
    ] = "acted",
    html_file: Annotated[Path | None, typer.Option("--html", help="Also write a page to this file.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write everything to this file, as one JSON object.")
    ] = None,
) -> None:
    """Compare runs on the same clips, and test whether they differ beyond chance.

    Differences of WA, UA and macro-F1 have 95 % intervals by paired bootstrap over speakers, and a two-sided p by
    exchanging the runs' answers speaker by speaker; fewer than five speakers cannot tell. McNemar's test is printed as
    well. With more than two runs, p values are corrected for their number.

    Examples: `ser compare out/old out/new`,
    `ser compare out/cnn out/mobilenet out/wav2vec2 --data out/data --split test --html comparison.html`
    """
    import json

    from data_pipeline.dataset import Dataset
    from data_pipeline.storage.atomic_file import write_text
    from data_pipeline.targets import Target
    from training.evaluation.comparison import compare_runs, dataset_of
    from training.evaluation.condition import Condition
    from training.fitting.progress import clip_bar
    from training.report import comparison
    from training.report.terminal import show_comparison
    from training.run.folder import Run

    check_place(html_file, "--html")
    check_place(json_file, "--json")
    condition = Condition(split, channel, labels=labels)
    opened = [Run.open(run) for run in runs]
    dataset = Dataset.open(data or dataset_of(opened))
    clips = Target(opened[0].labels).clips(dataset.split(split))
    with clip_bar("answering", clips * len(opened)) as advance:
        found = compare_runs(opened, dataset, condition, advance)
    show_comparison(found)
    if html_file:
        comparison.write(found, html_file)
    if json_file:
        write_text(json_file, json.dumps(found, indent=2) + "\n")
    written = [str(file) for file in (html_file, json_file) if file]
    if written:
        typer.echo("written: " + ", ".join(written))
