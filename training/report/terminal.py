"""A condition's metrics on the terminal."""

from rich.console import Console
from rich.table import Table

from training.report.group_findings import findings
from training.report.notices import notices
from training.report.wording import MAIN, interval, split_in_words


def show(metrics: dict, console: Console | None = None) -> None:
    """Print one split's metrics.

    Args:
        metrics: From `evaluate.evaluate`.
        console: Where to; the terminal by default.
    """
    console = console or Console(highlight=False)
    console.print(
        f"\n[bold]{metrics['condition']}[/] of {', '.join(metrics['corpora'])}: {metrics['clips']} clips of "
        f"{metrics['speakers']} speakers, split {split_in_words(metrics)}"
    )
    console.print(
        "   ".join(f"{title} [bold]{metrics[key]:.1%}[/] {interval(metrics[f'{key}_interval'])}" for key, title in MAIN)
    )
    table = Table("emotion", "precision", "recall", "F1", "clips")
    for label, row in metrics["per_class"].items():
        table.add_row(label, *(f"{row[key]:.1%}" for key in ("precision", "recall", "f1")), str(row["clips"]))
    console.print(table)
    table = Table(f"{metrics['measured_against']} \\ answered", *metrics["labels"])
    for label, counts in zip(metrics["labels"], metrics["confusion"], strict=True):
        table.add_row(label, *map(str, counts))
    console.print(table)
    for notice in notices(metrics) + findings(metrics):
        console.print(f"[yellow]note:[/] {notice}", markup=True)
