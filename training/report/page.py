"""`report.html`: everything that a run has to show, in one file."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from data_pipeline.dataset import Dataset
from data_pipeline.pages import (
    Fact,
    Facts,
    Group,
    Matrix,
    Page,
    Part,
    Piece,
    Section,
    Table,
    Text,
    Word,
    interval,
    quantity,
    render,
)
from data_pipeline.storage.atomic_file import write_text
from training.ensemble.out_of_fold import read_figures
from training.report.ensemble import members_section
from training.report.groups import channels_sections, groups_content
from training.report.wording import MAIN, learned, notices, split_in_words, start
from training.run.folder import Run

CLASSES = ("emotion", "precision", "recall", "F1", "clips")
"""Titles of the columns of `class_rows`."""


def write(run: Run, dataset: Dataset | None = None) -> Path:
    """Write `report.html` from the run's configuration, history and metrics.

    Args:
        run: The run to describe.
        dataset: The data of the clips that the run got most wrong, for showing them; they are shown where metrics are
            of this dataset.

    Returns:
        Path of the page.
    """
    from data_pipeline.pages.figures import plot
    from training.report.figures import learning_curves

    config, conditions, history = run.config, list(run.metrics().values()), run.history()
    sections = [_condition(metrics, number, dataset) for number, metrics in enumerate(conditions)]
    sections += channels_sections(conditions)
    if run.family.members:
        sections.append(members_section(run, read_figures(run)))
    if history:
        curves = plot("curves", partial(learning_curves, history), "Loss and validation figures over the epochs")
        sections.append(Section("Learning curves", (curves,), link="learning curves"))
    page = Page(
        f"{config['model']['family']}, {', '.join(config['data']['corpora'])}",
        notices=["Trained on synthetic speech, made by a formant synthesiser."] if run.synthetic else [],
        introduction=[_introduction(config)],
        sections=sections,
    )
    path = run.folder / "report.html"
    write_text(path, render(page))
    return path


def _introduction(config: Mapping[str, Any]) -> Text:
    data = config["data"]
    speakers = quantity(len(data["speakers"]["train"]), "speaker")
    seed = f"seed {config['fit']['seed']}; " if "seed" in config["fit"] else ""
    return Text(
        (
            f"{quantity(data['clips']['train'], 'training clip')} of {speakers}; {start(config)}; learned labels: "
            f"{learned(config)}; {seed}all settings are in ",
            Word("config.json", "code"),
            ".",
        )
    )


def _condition(metrics: Mapping[str, Any], number: int, dataset: Dataset | None) -> Section:
    from data_pipeline.pages.figures import plot
    from training.report.figures import reliability_figure
    from training.report.worst_clips import worst_clips

    figures = [
        Fact(title, f"{metrics[key]:.1%}", interval(metrics[f"{key}_interval"], metrics["speakers"]))
        for key, title in MAIN
    ]
    plots: list[Part] = [confusion_matrix(metrics)]
    # Metrics of an earlier version have no bins.
    if "reliability" in metrics:
        draw = partial(reliability_figure, metrics["reliability"])
        plots.append(plot(f"reliability-{number}", draw, "Share of correct answers against confidence", small=True))
    content: list[Piece] = [
        f"{', '.join(metrics['corpora'])}, split {split_in_words(metrics['split_name'], metrics['speakers_unknown'])}.",
        *(Text(notice, "notice") for notice in notices(metrics)),
        Facts(figures),
        Text(
            "In brackets: 95 % intervals by bootstrap over speakers. WA: share of correct clips; UA: mean of the "
            "classes' recalls; ECE: expected calibration error.",
            "quiet",
        ),
        class_table(metrics),
        Group(plots, "row"),
        *groups_content(metrics),
        *worst_clips(metrics, number, dataset),
    ]
    return Section(f"{metrics['condition']}: {clips_in_words(metrics)}", content, link=metrics["condition"])


def clips_in_words(metrics: Mapping[str, Any]) -> str:
    """What was measured on, such as `36 clips of 3 speakers`."""
    return f"{quantity(metrics['clips'], 'clip')} of {quantity(metrics['speakers'], 'speaker')}"


def class_table(metrics: Mapping[str, Any]) -> Table:
    """Precision, recall and F1 of each emotion.

    Args:
        metrics: From `metrics.evaluate`.
    """
    return Table("Figures of each emotion", CLASSES, class_rows(metrics))


def class_rows(metrics: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row for each emotion, under `CLASSES`; an emotion without clips has no recall.

    Args:
        metrics: From `metrics.evaluate`.
    """
    return [
        (
            label,
            f"{row['precision']:.1%}",
            f"{row['recall']:.1%}" if row["clips"] else "–",
            f"{row['f1']:.1%}" if row["clips"] else "–",
            f"{row['clips']:,}",
        )
        for label, row in metrics["per_class"].items()
    ]


def confusion_matrix(metrics: Mapping[str, Any]) -> Matrix:
    """The confusion matrix.

    Args:
        metrics: From `metrics.evaluate`, perhaps with what was `measured_against`.
    """
    rows = metrics.get("measured_against", "acted")
    return Matrix("Confusion matrix", rows, "answer of the model", metrics["labels"], metrics["confusion"])
