import io
from collections.abc import Sequence

from benchmarks.load.summary import Summary
from data_pipeline.pages.style import INK, MUTED, WIDTH, styled


@styled
def plot(summaries: Sequence[Summary], title: str) -> bytes:
    """Latency and throughput against what was offered.

    Args:
        summaries: Open-loop runs.
        title: Of the figure.

    Returns:
        A PNG.
    """
    from matplotlib.figure import Figure

    runs = sorted(summaries, key=lambda summary: summary.offered)
    offered = [run.offered for run in runs]
    figure = Figure(figsize=(WIDTH, 4), layout="constrained")
    figure.suptitle(title)
    latency, throughput = figure.subplots(1, 2)
    for name, values, style in (
        ("99th percentile", [run.p99 for run in runs], "-"),
        ("90th", [run.p90 for run in runs], "--"),
        ("median", [run.p50 for run in runs], ":"),
    ):
        latency.plot(offered, values, style, color=INK, marker="o", markersize=3, label=name)
    latency.set(title="Latency of answered calls (ms)", xlabel="calls offered a second", ylim=(0, None))
    latency.legend(frameon=False)
    throughput.plot(offered, offered, color=MUTED, linewidth=1, label="offered")
    throughput.plot(offered, [run.answered for run in runs], color=INK, marker="o", markersize=3, label="answered")
    throughput.set(title="Calls answered a second", xlabel="calls offered a second", ylim=(0, None))
    throughput.legend(frameon=False)
    for axes in (latency, throughput):
        axes.grid(True)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120)
    return file.getvalue()
