"""What a run has to show: tables on the terminal, and `report.html` in its folder."""

import html
from pathlib import Path

from rich.console import Console
from rich.table import Table

from data_pipeline.atomic_file import write_text
from training.run import Run

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 0.5rem 0 1rem; }
td, th { padding: 0.2rem 0.8rem; border-bottom: 1px solid #ddd; text-align: right; }
td:first-child, th:first-child { text-align: left; }
.notice { background: #fff4d6; border-left: 4px solid #E69F00; padding: 0.5rem 1rem; }
svg { max-width: 100%; height: auto; }
"""

_SPLITS = {
    "speaker": "by speaker: nobody is heard on two sides",
    "random": "clip by clip: the same speakers are on every side, so these figures flatter; for comparison only",
}

_LEARNED = {
    "acted": "the emotions that speakers were asked to act",
    "voted": "what most listeners heard",
    "soft": "the shares of listeners' votes",
}

_MAIN = (("wa", "WA"), ("ua", "UA"), ("macro_f1", "macro-F1"), ("ece", "ECE"))


def notices(metrics: dict) -> list[str]:
    """What a reader of these figures must know, a sentence each."""
    found = []
    if metrics["synthetic"]:
        found.append(
            "This speech is synthetic, made by a formant synthesiser: the figures say that the software works, "
            "and nothing about real voices."
        )
    if metrics["split_name"] == "random":
        found.append(f"The split is {_SPLITS['random']}.")
    if metrics["speakers_unknown"]:
        found.append(
            f"Nobody says who speaks in {metrics['speakers_unknown']:,} clips of this dataset; each file counts "
            "as a speaker of its own, so that the same person may be on two sides and the figures flatter."
        )
    if metrics["outside_labels"]:
        counts = ", ".join(f"{emotion} {count:,}" for emotion, count in metrics["outside_labels"].items())
        found.append(f"Clips of emotions that the model does not know are left out: {counts}.")
    if metrics["tied"]:
        found.append(f"{metrics['tied']:,} clips are left out, since listeners did not agree on one of the labels.")
    # Metrics and runs of an earlier version do not say.
    if metrics.get("without_votes"):
        clips = metrics["clips"] + metrics["tied"]
        found.append(f"{metrics['without_votes']:,} of {clips:,} clips have no votes and count as acted.")
    if metrics["learned"] != metrics["measured_against"] and {metrics["learned"], metrics["measured_against"]} != {
        "soft",
        "voted",
    }:
        found.append(
            f"The run learned {_LEARNED[metrics['learned']]} and is measured here against "
            f"{_LEARNED[metrics['measured_against']]}; in CREMA-D the two agree on four clips in ten."
        )
    found += _of_calibration(metrics.get("calibration"))
    seen = metrics["seen_speakers"]
    if seen["validation"]:
        found.append(f"The epoch was chosen on {seen['validation']} of these speakers, so that its figures flatter.")
    if seen["train"]:
        found.append(f"The run was trained on {seen['train']} of these speakers: no figure for new ones.")
    return found


def _of_calibration(calibration: dict | None) -> list[str]:
    if not calibration:
        return []
    found = (
        f"Answers are at the temperature {calibration['temperature']:.2f}; without it the ECE is "
        f"{calibration['ece_before']:.1%}."
    )
    if calibration["fitted_speakers"]:
        found += f" The temperature was fitted on {calibration['fitted_speakers']} of these speakers, so that the ECE "
        found += "flatters"
        if "ece_cross_fitted" in calibration:
            found += f"; with each speaker at the temperature of the others it is {calibration['ece_cross_fitted']:.1%}"
        found += "."
    return [found]


def show(metrics: dict, console: Console | None = None) -> None:
    """Print one split's metrics.

    Args:
        metrics: From `evaluate.evaluate`.
        console: Where to; the terminal by default.
    """
    console = console or Console(highlight=False)
    console.print(
        f"\n[bold]{metrics['condition']}[/] of {', '.join(metrics['corpora'])}: {metrics['clips']} clips of "
        f"{metrics['speakers']} speakers, split {_split(metrics)}"
    )
    console.print("   ".join(f"{title} [bold]{metrics[key]:.1%}[/] {_interval(metrics, key)}" for key, title in _MAIN))
    table = Table("emotion", "precision", "recall", "F1", "clips")
    for label, row in metrics["per_class"].items():
        table.add_row(label, *(f"{row[key]:.1%}" for key in ("precision", "recall", "f1")), str(row["clips"]))
    console.print(table)
    table = Table(f"{metrics['measured_against']} \\ answered", *metrics["labels"])
    for label, counts in zip(metrics["labels"], metrics["confusion"], strict=True):
        table.add_row(label, *map(str, counts))
    console.print(table)
    for notice in notices(metrics):
        console.print(f"[yellow]note:[/] {notice}")


def write(run: Run) -> Path:
    """Write `report.html` from the run's configuration, history and metrics.

    Returns:
        Its path.
    """
    from training.plots import confusion_plot, learning_curves, reliability_plot

    config, title = run.config, f"{run.config['model']['family']}, {', '.join(run.config['data']['corpora'])}"
    parts = [f"<h1>{html.escape(title)}</h1>"]
    if run.synthetic:
        parts.append("<p class=notice>Trained on synthetic speech, made by a formant synthesiser.</p>")
    parts.append(
        f"<p>{config['data']['clips']['train']} training clips of {len(config['data']['speakers']['train'])} speakers; "
        f"{_start(config)}; learned {_learned(config)}; "
        f"seed {config['fit']['seed']}; all settings are in <code>config.json</code>.</p>"
    )
    for metrics in run.metrics().values():
        plots = [confusion_plot(metrics["confusion"], metrics["labels"], metrics["measured_against"])]
        # Metrics of an earlier version have no bins.
        if "reliability" in metrics:
            plots.append(reliability_plot(metrics["reliability"]))
        parts += _section(metrics, plots)
    if run.history():
        parts += ["<h2>Learning curves</h2>", learning_curves(run.history())]
    page = run.folder / "report.html"
    write_text(
        page,
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title>"
        f"<style>{_STYLE}</style>{''.join(parts)}</html>\n",
    )
    return page


def _start(config: dict) -> str:
    """Where training began."""
    return (
        f"weights from {html.escape(Path(config['weights']).name)}" if config["weights"] else "random initial weights"
    )


def _learned(config: dict) -> str:
    """Whose word was learned, and for how many clips it was not to be had."""
    without, clips = config["data"].get("without_votes", {}).get("train"), config["data"]["clips"]["train"]
    exceptions = f" ({without:,} of {clips:,} training clips have no votes and count as acted)" if without else ""
    return _LEARNED[config["label_kind"]] + exceptions


def _section(metrics: dict, plots: list[str]) -> list[str]:
    figures = "".join(f"<tr><td>{title}<td>{metrics[key]:.1%}<td>{_interval(metrics, key)}" for key, title in _MAIN)
    classes = "".join(
        f"<tr><td>{html.escape(label)}"
        + "".join(f"<td>{row[key]:.1%}" for key in ("precision", "recall", "f1"))
        + f"<td>{row['clips']}"
        for label, row in metrics["per_class"].items()
    )
    return [
        f"<h2>{html.escape(metrics['condition'])}: {metrics['clips']} clips of {metrics['speakers']} speakers</h2>",
        f"<p>{html.escape(', '.join(metrics['corpora']))}, split {_split(metrics)}.</p>",
        *(f"<p class=notice>{html.escape(notice)}</p>" for notice in notices(metrics)),
        f"<table><tr><th>metric<th>figure<th>95 % interval{figures}</table>",
        "<p>Intervals by bootstrap over speakers. WA: share of clips right; UA: mean of the classes' recalls; "
        "ECE: expected calibration error.</p>",
        f"<table><tr><th>emotion<th>precision<th>recall<th>F1<th>clips{classes}</table>",
        *plots,
    ]


def _split(metrics: dict) -> str:
    return _SPLITS.get(metrics["split_name"], metrics["split_name"])


def _interval(metrics: dict, key: str) -> str:
    low, high = metrics[f"{key}_interval"]
    return f"({low:.1%} to {high:.1%})"
