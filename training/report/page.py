"""`report.html`: everything that a run has to show, in one file."""

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_pipeline.dataset import Dataset
from data_pipeline.storage.atomic_file import write_text
from training.ensemble.out_of_fold import read_figures
from training.report.ensemble import members_section
from training.report.groups_section import channels_section, groups_section
from training.report.notices import notices
from training.report.style import page, table
from training.report.wording import MAIN, interval, learned, split_in_words, start
from training.run.folder import Run


def write(run: Run, dataset: Dataset | None = None) -> Path:
    """Write `report.html` from the run's configuration, history and metrics.

    Args:
        run: Whose page it is.
        dataset: To show the clips that were got most wrong, where metrics are of this dataset.

    Returns:
        Its path.
    """
    from training.report.figures import learning_curves

    config, conditions = run.config, list(run.metrics().values())
    parts = []
    if run.synthetic:
        parts.append("<p class=notice>Trained on synthetic speech, made by a formant synthesiser.</p>")
    seed = f"seed {config['fit']['seed']}; " if "seed" in config["fit"] else ""
    parts.append(
        f"<p>{config['data']['clips']['train']} training clips of {len(config['data']['speakers']['train'])} speakers; "
        f"{html.escape(start(config))}; learned {learned(config)}; "
        f"{seed}all settings are in <code>config.json</code>.</p>"
    )
    channels, history = channels_section(conditions), run.history()
    members = members_section(run, read_figures(run)) if run.family.members else []
    parts.append(_contents(conditions, bool(channels), bool(members), bool(history)))
    for number, metrics in enumerate(conditions):
        parts += _section(metrics, number, dataset)
    parts += channels + members
    if history:
        parts += ["<h2 id=curves>Learning curves</h2>", learning_curves(history)]
    path = run.folder / "report.html"
    write_text(path, page(f"{config['model']['family']}, {', '.join(config['data']['corpora'])}", parts))
    return path


def _contents(conditions: list[dict[str, Any]], channels: bool, members: bool, curves: bool) -> str:
    links = [(f"condition-{number}", html.escape(metrics["condition"])) for number, metrics in enumerate(conditions)]
    links += [("channels", "by channel")] * channels + [("members", "members")] * members
    links += [("curves", "learning curves")] * curves
    return f"<nav>{''.join(f'<a href=#{anchor}>{words}</a>' for anchor, words in links)}</nav>"


def _section(metrics: Mapping[str, Any], number: int, dataset: Dataset | None) -> list[str]:
    from training.report.figures import confusion_plot, reliability_plot
    from training.report.worst_clips import worst_clips_section

    tiles = "".join(
        f"<div class=tile><b>{metrics[key]:.1%}</b>{title}<br><span class=quiet>"
        f"{interval(metrics[f'{key}_interval'])}</span></div>"
        for key, title in MAIN
    )
    classes = [
        [
            html.escape(label),
            *(f"{row[key]:.1%}" for key in ("precision", "recall", "f1")),
            f"{row['clips']:,}",
        ]
        for label, row in metrics["per_class"].items()
    ]
    plots = [confusion_plot(metrics["confusion"], metrics["labels"], metrics["measured_against"])]
    # Metrics of an earlier version have no bins.
    if "reliability" in metrics:
        plots.append(reliability_plot(metrics["reliability"]))
    return [
        f"<h2 id=condition-{number}>{html.escape(metrics['condition'])}: {metrics['clips']} clips of "
        f"{metrics['speakers']} speakers</h2>",
        f"<p>{html.escape(', '.join(metrics['corpora']))}, split {html.escape(split_in_words(metrics))}.</p>",
        *(f"<p class=notice>{html.escape(notice)}</p>" for notice in notices(dict(metrics))),
        f"<div class=tiles>{tiles}</div>",
        "<p class=quiet>In brackets: 95 % intervals by bootstrap over speakers. WA: share of clips right; UA: mean of "
        "the classes' recalls; ECE: expected calibration error.</p>",
        table(["emotion", "precision", "recall", "F1", "clips"], classes),
        f"<div class=plots>{''.join(plots)}</div>",
        *groups_section(metrics),
        *worst_clips_section(metrics, dataset),
    ]
