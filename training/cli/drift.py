"""The command `ser drift`."""

from pathlib import Path
from typing import Annotated

import typer

from data_pipeline.cli.options import ChosenTrack

DUE = 3
"""Exit status with `--strict` if retraining is due; 1 and 2 are for commands that fail."""


def drift(
    run: Annotated[Path, typer.Argument(help="A run folder (`ser train`).")],
    recordings: Annotated[
        list[str],
        typer.Argument(metavar="FOLDER...", help="New recordings: folders, manifests or files, see `ser data check`."),
    ],
    output: Annotated[
        Path, typer.Option(help="Folder for `drift.html` and `drift.json`; made if it is missing.")
    ] = Path("out/drift"),
    data: Annotated[
        Path | None, typer.Option(help="The dataset that the run was trained on, if it has moved since.")
    ] = None,
    channel: Annotated[
        str,
        typer.Option(
            help="Channel that the training clips go through first, see `ser evaluate`; `telephone` for calls."
        ),
    ] = "clean",
    track: ChosenTrack = None,
    workers: Annotated[
        int | None, typer.Option(help="Number of processes that decode. Defaults to one for each processor.", min=1)
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 3 if retraining is due.")] = False,
) -> None:
    """Test whether new recordings still sound like those that a run was trained on.

    Level, noise floor, signal-to-noise ratio, bandwidth and duration are compared, and the run's predictions and
    confidence, which need no labels. A figure has changed if its population stability index is above 0.25 and above
    what chance explains. Retraining is due if a figure has changed. A few recordings may not be enough to tell.

    Example: `ser drift out/run recordings/june --channel telephone --strict`
    """
    import json

    from data_pipeline.cli.terminal import clip_progress
    from data_pipeline.dataset import Dataset
    from data_pipeline.storage.atomic_file import write_text
    from data_pipeline.storage.claimed_folder import claimed
    from training.drift.drift import Due, measure_drift
    from training.drift.drift_page import drift_page
    from training.run.folder import Run

    opened = Run.open(run)
    dataset = Dataset.open(data or Path(opened.config["data"]["folder"]))
    if dataset.fingerprint != opened.config["data"]["fingerprint"]:
        typer.echo(f"{dataset.folder} does not hold the data that {run} was trained on")
    progress = clip_progress("recordings")
    tasks = {}

    def show(step: str, done: int, total: int) -> None:
        if step not in tasks:
            tasks[step] = progress.add_task(step, total=total)
        progress.update(tasks[step], completed=done)

    with claimed(output):
        with progress:
            found = measure_drift(opened, dataset, recordings, channel, workers, show, track)
        facts = [
            ("run", str(run)),
            ("trained on", f"{', '.join(dataset.corpora)}, {channel}"),
            ("recordings", ", ".join(recordings)),
            ("retraining", found.due.value),
        ]
        write_text(output / "drift.json", json.dumps(found.to_json(), indent=2, ensure_ascii=False) + "\n")
        write_text(output / "drift.html", drift_page(found, facts))
    for reason in found.reasons:
        typer.echo(reason)
    if found.unusable:
        typer.echo(f"{len(found.unusable):,} recordings cannot be used; the first: {found.unusable[0]}")
    typer.echo(f"retraining: {found.due}\npage: {output / 'drift.html'}\nall figures: {output / 'drift.json'}")
    if strict and found.due is Due.YES:
        raise typer.Exit(DUE)
