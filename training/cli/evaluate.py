"""The command `ser evaluate`."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder (`ser train`).")],
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    split: Annotated[str, typer.Option(help="The split: `train`, `validation`, `test`, or `all`.")] = "validation",
    channel: Annotated[
        str,
        typer.Option(
            help="Channel that the clips go through first: `clean`, `telephone` (300 to 3,400 Hz, 8 kHz, G.711 µ-law) "
            "or `telephone-alaw`."
        ),
    ] = "clean",
    packet_loss: Annotated[
        float, typer.Option(help="Share of packets that the telephone channel loses.", min=0.0, max=0.9)
    ] = 0.0,
    labels: Annotated[
        Literal["acted", "voted"],
        typer.Option(
            help="Measure against the `acted` emotion, or against `voted`: the emotion that most listeners heard. "
            "Clips without votes count as acted; data without any votes are refused."
        ),
    ] = "acted",
    listen: Annotated[
        bool,
        typer.Option(
            help="Put spectrograms and sound of the most wrong clips into the report. They are people's voices."
        ),
    ] = True,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the metrics to this file, as one JSON object.")
    ] = None,
) -> None:
    """Measure a run: WA, UA, macro-F1, each class, the confusion matrix, and groups of speakers and clips.

    Intervals are 95 %, by bootstrap over speakers. The metrics are written to `metrics.json` of the run, with a key for
    each split, channel and kind of labels, to its `report.html` and to its `model_card.md`; the predictions for each
    clip are written to `answers/`. `--json FILE` writes the object of this evaluation alone:
    `{"split", "clips", "wa", "wa_interval", "ua", "macro_f1", "ece", "per_class", "labels", "confusion", "groups",
    ...}`, rates between 0 and 1. Rows of `confusion` are the right emotion (the acted one, or with `--labels voted` the
    one that most listeners heard), columns the predictions. Groups (sex, age, race, ethnicity, intensity, sentence) are
    those that the corpus describes; a group that differs from the other clips beyond chance is pointed out.

    Examples: `ser evaluate out/run out/data --split validation --json metrics.json`,
    `ser evaluate out/run out/data --channel telephone`,
    `ser evaluate out/run out/emodb --split all`: another corpus, which the run was not trained on
    """
    import json

    from data_pipeline import input_pipeline
    from data_pipeline.dataset import Dataset
    from data_pipeline.storage.atomic_file import write_text
    from data_pipeline.targets import Target
    from training import report
    from training.evaluation.condition import Condition
    from training.evaluation.evaluate import measure, predict
    from training.fitting.progress import clip_bar
    from training.run.folder import Run

    check_place(json_file, "--json")
    condition = Condition(split, channel, packet_loss, labels)
    opened, dataset = Run.open(run), Dataset.open(data)
    # A damaged metrics.json is found before the clips are predicted.
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


def check_place(file: Path | None, option: str) -> None:
    """Check before any work that a file can be written.

    Args:
        file: The file that an option names; None if the option is not given.
        option: The option.

    Raises:
        UserError: If it is a folder, or its folder does not exist.
    """
    from data_pipeline.errors import UserError

    if file and (file.is_dir() or not file.absolute().parent.is_dir()):
        raise UserError(f"{file} is no place for a file: give {option} a file name in a folder that exists")
