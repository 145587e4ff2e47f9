"""The command `ser evaluate`."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder (`ser train`).")],
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    split: Annotated[str, typer.Option(help="Which side: `train`, `validation`, `test`, or `all`.")] = "validation",
    channel: Annotated[
        str,
        typer.Option(
            help="What the clips go through first: `clean`, `telephone` (300 to 3,400 Hz, 8 kHz, G.711 µ-law) or "
            "`telephone-alaw`."
        ),
    ] = "clean",
    packet_loss: Annotated[
        float, typer.Option(help="Share of packets that the telephone loses.", min=0.0, max=0.9)
    ] = 0.0,
    labels: Annotated[
        str,
        typer.Option(
            help="Measure against `acted`, or against `voted`: what most listeners heard. Clips without votes count as "
            "acted; data without any is refused."
        ),
    ] = "acted",
    listen: Annotated[
        bool,
        typer.Option(help="Put the worst clips into the report to be seen and heard, which are people's voices."),
    ] = True,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the metrics to this file, as one JSON object.")
    ] = None,
) -> None:
    """Measure a run: WA, UA, macro-F1, each class, the confusion matrix, and groups of speakers and clips.

    Intervals are 95 %, by bootstrap over speakers. The metrics go into `metrics.json` of the run, a key for each
    split, channel and kind of labels, into its `report.html` and into its `model_card.md`; what it answered for each
    clip goes into `answers/`. `--json FILE` writes the object of this one alone:
    `{"split", "clips", "wa", "wa_interval", "ua", "macro_f1", "ece", "per_class", "labels", "confusion", "groups",
    ...}`, rates between 0 and 1. Rows of `confusion` are the right emotion (the acted one, or with `--labels voted` the
    one most heard), columns the answers. Groups (sex, age, race, ethnicity, intensity, sentence) are those that the
    corpus tells of; one that differs from the others beyond chance is pointed out.

    Examples: `ser evaluate out/run out/data --split validation --json metrics.json`,
    `ser evaluate out/run out/data --channel telephone`,
    `ser evaluate out/run out/emodb --split all`: another corpus, of which the run has heard nothing
    """
    import json

    from data_pipeline import input_pipeline
    from data_pipeline.dataset import Dataset
    from data_pipeline.errors import UserError
    from data_pipeline.storage.atomic_file import write_text
    from data_pipeline.targets import Target
    from training import report
    from training.evaluation.condition import Condition
    from training.evaluation.evaluate import measure, predict
    from training.fitting.progress import clip_bar
    from training.run.folder import Run

    if json_file and (json_file.is_dir() or not json_file.absolute().parent.is_dir()):
        raise UserError(f"{json_file} is no place for a file: give --json a file name in a folder that exists")
    condition = Condition(split, channel, packet_loss, labels)
    opened, dataset = Run.open(run), Dataset.open(data)
    # A damaged metrics.json is better found before the clips are gone through.
    opened.metrics()
    input_pipeline.without_votes(dataset, split, Target(opened.labels, labels))
    with clip_bar("evaluating", Target(opened.labels).clips(dataset.split(split))) as advance:
        answers = predict(opened, dataset, condition, advance)
    metrics = measure(opened, dataset, condition, answers)
    opened.record_metrics(metrics)
    opened.record_answers(metrics["condition"], answers, dataset.fingerprint)
    report.show(metrics)
    pages = report.write(opened, dataset if listen else None), report.write_card(opened)
    written = [str(opened.folder / "metrics.json"), *map(str, pages)]
    if json_file:
        write_text(json_file, json.dumps(metrics, indent=2) + "\n")
        written.append(str(json_file))
    typer.echo("written: " + ", ".join(written))
