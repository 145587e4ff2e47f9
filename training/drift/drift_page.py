"""`drift.html`: what has changed, figure by figure."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as Drawing

from data_pipeline.pages.page import Plot, Section, Table, page
from data_pipeline.pages.style import INK, MUTED, OUTLINE, new_figure, png, styled
from training.drift.drift import ANSWERS, Drift, Due, Figure, shares
from training.drift.stability import LARGE, SOME

_VERDICTS = {
    Due.YES: "Retraining is due",
    Due.NO: "Retraining is not due",
    Due.CANNOT_TELL: "Too few recordings to tell whether retraining is due",
}

_RULE = (
    "A figure has changed if its population stability index, over the deciles of the training clips, is above "
    f"{LARGE:g} and above what chance would hardly exceed; somewhat, if it is above {SOME:g}. Retraining is due as "
    "soon as one figure has changed. Recordings of one caller are alike, so that chance is larger than stated where "
    "few people call."
)

_LISTED = 100


def drift_page(drift: Drift, facts: Sequence[tuple[str, str]]) -> str:
    """The page's HTML.

    Args:
        drift: To show.
        facts: Names and values, for the top of the page.
    """
    rows = tuple(
        (
            figure.name,
            f"{figure.stability.index:.3f}",
            f"{figure.stability.by_chance:.3f}",
            figure.stability.change.value,
            f"{figure.stability.before:,}",
            f"{figure.stability.now:,}",
            *_medians(figure),
        )
        for figure in drift.figures
    )
    sections = [
        Section(
            "What has changed",
            " ".join(drift.reasons) + " " + _RULE,
            plots=(
                Plot("drift", png(drift_figure(drift)), "Distributions of every figure, before and now, side by side"),
            ),
            tables=(Table(("figure", "index", "by chance", "", "before", "now", "median before", "median now"), rows),),
        )
    ]
    if drift.unusable:
        listed = tuple((one.file, one.reason) for one in drift.unusable[:_LISTED])
        sections.append(
            Section(
                f"Recordings that cannot be used: {len(drift.unusable):,}",
                "" if len(listed) == len(drift.unusable) else f"The first {_LISTED}; all are in drift.json.",
                tables=(Table(("recording", "reason"), listed),),
            )
        )
    return page(_VERDICTS[drift.due], facts, [], sections)


def _medians(figure: Figure) -> tuple[str, str]:
    if figure.name == ANSWERS:
        return "–", "–"
    return f"{np.median(figure.before):,.4g} {figure.unit}", f"{np.median(figure.now):,.4g} {figure.unit}"


@styled
def drift_figure(drift: Drift) -> Drawing:
    """A panel a figure: what there was as a filled outline, what there is as a line; of answers, bars.

    Args:
        drift: To draw.
    """
    columns = 2
    lines = -(-len(drift.figures) // columns)
    drawing = new_figure(2.1 * lines)
    panels = drawing.subplots(lines, columns, squeeze=False).ravel()
    for axes, figure in zip(panels, drift.figures, strict=False):
        axes.set_title(f"{figure.name}: {figure.stability.change.value} ({figure.stability.index:.2f})")
        if figure.name == ANSWERS:
            places = np.arange(len(drift.labels))
            for offset, values, colour in ((-0.2, figure.before, "#C8C8C8"), (0.2, figure.now, INK)):
                axes.bar(places + offset, shares(values, len(drift.labels)), 0.4, color=colour, **OUTLINE)
            axes.set_xticks(places, drift.labels, rotation=20, ha="right")
        else:
            edges = np.histogram_bin_edges(np.concatenate([figure.before, figure.now]), 40)
            # The shares of each, since one may be many times the other.
            before, now = (np.histogram(values, edges)[0] / len(values) for values in (figure.before, figure.now))
            axes.stairs(before, edges, fill=True, facecolor="#C8C8C8", edgecolor=MUTED, label="before")
            axes.stairs(now, edges, color=INK, linewidth=1.4, label="now")
            axes.set_xlabel(figure.unit)
        axes.set_ylabel("share")
        axes.grid(axis="y")
        axes.set_axisbelow(True)
    panels[0].legend(frameon=False)
    for axes in panels[len(drift.figures) :]:
        axes.set_visible(False)
    return drawing
