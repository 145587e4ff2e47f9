"""`drift.html`: how recordings differ from the training data, figure by figure."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure as Drawing

from data_pipeline.pages import Group, Page, Section, Table, render
from data_pipeline.pages.figures import INK, MUTED, OUTLINE, SHADE, Size, new_panels, plot, styled
from training.drift.drift import ANSWERS, Drift, Due, Figure, shares
from training.drift.stability import LARGE, SOME
from training.evaluation.speaker_permutations import FEWEST_SPEAKERS

_VERDICTS = {
    Due.YES: "Retraining is due",
    Due.NO: "Retraining is not due",
    Due.CANNOT_TELL: "Too few recordings or speakers to tell whether retraining is due",
}

_RULE = (
    "A figure has changed if its population stability index, over the deciles of the training clips, is above "
    f"{LARGE:g} and above what chance hardly exceeds; it has changed somewhat if the index is above {SOME:g}. "
    "Retraining is due as soon as one figure has changed. Recordings of one caller are alike, so the influence of "
    f"chance is larger than stated where few people call, and fewer than {FEWEST_SPEAKERS} named speakers cannot tell."
)

_LISTED = 100


def drift_page(drift: Drift, facts: Sequence[tuple[str, str]]) -> str:
    """The page's HTML.

    Args:
        drift: The comparison to show.
        facts: Names and values, for the top of the page.
    """
    rows = [
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
    ]
    header = ("figure", "index", "by chance", "change", "clips before", "clips now", "median before", "median now")
    sections = [
        Section(
            "What has changed",
            (
                Group(drift.reasons, "list"),
                _RULE,
                plot("drift", partial(drift_figure, drift), "Distributions of every figure, before and now"),
                Table("Change of every figure", header, rows),
            ),
        )
    ]
    if drift.unusable:
        listed = [(one.file, one.reason) for one in drift.unusable[:_LISTED]]
        text = "" if len(listed) == len(drift.unusable) else f"The first {_LISTED}; all are in drift.json."
        table = Table("Unusable recordings", ("recording", "reason"), listed)
        sections.append(Section(f"Unusable recordings: {len(drift.unusable):,}", (text, table)))
    return render(Page(_VERDICTS[drift.due], facts, (), sections))


def _medians(figure: Figure) -> tuple[str, str]:
    if figure.name == ANSWERS:
        return "–", "–"
    return f"{np.median(figure.before):,.4g} {figure.unit}", f"{np.median(figure.now):,.4g} {figure.unit}"


@styled
def drift_figure(drift: Drift, *, size: Size) -> Drawing:
    """A panel for each figure: the training clips as a filled outline, new recordings as a line; answers as bars.

    Args:
        drift: The comparison to draw.
        size: The room that there is.
    """
    drawing, panels = new_panels([2.1] * -(-len(drift.figures) // 2), 2, size)
    for axes, figure in zip(panels, drift.figures, strict=False):
        axes.set_title(f"{figure.name}: {figure.stability.change.value} ({figure.stability.index:.2f})")
        if figure.name == ANSWERS:
            places = np.arange(len(drift.labels))
            for offset, values, colour in ((-0.2, figure.before, SHADE), (0.2, figure.now, INK)):
                axes.bar(places + offset, shares(values, len(drift.labels)), 0.4, color=colour, **OUTLINE)
            axes.set_xticks(places, drift.labels, rotation=20, ha="right")
        else:
            edges = np.histogram_bin_edges(np.concatenate([figure.before, figure.now]), 40)
            # Shares, since there may be many times more clips of one kind.
            before, now = (np.histogram(values, edges)[0] / len(values) for values in (figure.before, figure.now))
            axes.stairs(before, edges, fill=True, facecolor=SHADE, edgecolor=MUTED, label="before")
            axes.stairs(now, edges, color=INK, linewidth=1.4, label="now")
            axes.set_xlabel(figure.unit)
        axes.set_ylabel("share")
        axes.grid(axis="y")
        axes.set_axisbelow(True)
    panels[0].legend()
    for axes in panels[len(drift.figures) :]:
        axes.set_visible(False)
    return drawing
