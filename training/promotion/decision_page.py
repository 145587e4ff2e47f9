"""`decision.html`: the decision about a challenger, with its figures."""

from collections.abc import Mapping, Sequence
from functools import partial

from matplotlib.figure import Figure

from data_pipeline.pages import NOT_KNOWN, Group, Page, Piece, Section, Table, Value, interval, points, render
from data_pipeline.pages.figures import INK, MUTED, PAPER, Size, new_figure, plot, shortened, styled
from training.promotion.paired_answers import UaDifference
from training.promotion.rule import Decision, PromotionOutcome, Standing

_VERDICTS = {
    PromotionOutcome.BETTER: "The challenger is better",
    PromotionOutcome.NOT_BETTER: "The challenger is not better",
    PromotionOutcome.CANNOT_TELL: "These speakers cannot tell whether the challenger is better",
}

_FIGURES = (("wa", "WA"), ("ua", "UA"), ("macro_f1", "macro-F1"), ("ece", "ECE"))


def decision_page(
    decision: Decision,
    facts: Sequence[tuple[str, str]],
    notices: Sequence[str],
    measured: Mapping[str, Mapping[str, Mapping]],
) -> str:
    """The page's HTML.

    Args:
        decision: The decision to show.
        facts: Names and values, for the top of the page.
        notices: What a reader must know before any figure, a sentence each.
        measured: Results of `metrics.compute_metrics`, by channel and then by model (`champion`, `challenger`).
    """
    rule = decision.rule
    detectable = (
        "unknown" if decision.detectable is None else f"{points(decision.detectable)} points (power {rule.power:.0%})"
    )
    return render(
        Page(
            _VERDICTS[decision.outcome],
            [*facts, ("outcome", decision.outcome.value), ("smallest detectable difference", detectable)],
            notices,
            [
                Section("Reasons", (Group(decision.reasons, "list"),)),
                _differences(decision),
                Section("Figures", ("With 95 % intervals by bootstrap over speakers.", _figures(measured))),
                Section("The rule", (_in_words(decision),)),
            ],
        )
    )


def _differences(decision: Decision) -> Section:
    rows = [
        ("all", decision.overall, ""),
        *((one.title, one.difference, one.standing.value) for one in decision.groups),
    ]
    return Section(
        "Differences",
        (
            "UA of the challenger minus that of the champion, in percentage points, averaged over the channels; for an "
            f"emotion, the recall. Bars are one-sided {decision.rule.confidence:.0%} intervals: the true difference is "
            "hardly below the left end, and hardly above the right end. The dashed line is the margin for all clips, "
            "the dotted line the bound for groups.",
            plot(
                "differences",
                partial(differences_figure, decision),
                "Differences between challenger and champion with their intervals, for all clips and for each group",
            ),
            Table(
                "Differences",
                ("group", "speakers", "clips", "champion", "challenger", "difference", "from", "to", "standing"),
                [(title, *_cells(difference), standing) for title, difference, standing in rows],
            ),
        ),
    )


def _cells(difference: UaDifference) -> tuple[str, ...]:
    return (
        f"{difference.speakers:,}",
        f"{difference.clips:,}",
        f"{difference.champion:.1%}",
        f"{difference.challenger:.1%}",
        points(difference.value),
        *(NOT_KNOWN if end is None else points(end) for end in (difference.low, difference.high)),
    )


def _figures(measured: Mapping[str, Mapping[str, Mapping]]) -> Table:
    rows: list[tuple[Piece, ...]] = []
    for channel, models in measured.items():
        for key, title in _FIGURES:
            cells = [
                Value(f"{metrics[key]:.1%}", interval(metrics[f"{key}_interval"], metrics["speakers"]))
                for metrics in models.values()
            ]
            rows.append((f"{title}, {channel}", *cells))
    models = next(iter(measured.values()))
    return Table("Figures of both models", ("figure", *models), rows)


def _in_words(decision: Decision) -> str:
    rule = decision.rule
    return (
        f"Better: the challenger's UA is surely more than {100 * rule.margin:.1f} points above the champion's, and for "
        f"no group is the challenger more than {100 * rule.bound:.1f} points worse. Not better: the UA is surely not "
        "that far above, or the challenger is that much worse for a group and chance does not explain it. Otherwise "
        "these speakers cannot tell, and the champion stays. “Surely” means a confidence of "
        f"{rule.confidence:.0%}, from a bootstrap over the speakers that both models answered. Groups of fewer than "
        f"{rule.fewest_speakers} speakers are not judged."
    )


@styled
def differences_figure(decision: Decision, *, size: Size) -> Figure:
    """A row for all clips and one for each group: the difference and its interval, in percentage points.

    Args:
        decision: The decision to draw.
        size: The room that there is.
    """
    groups = ((group.title, group.difference, group.standing) for group in decision.groups)
    rows = [("all", decision.overall, None), *groups]
    figure = new_figure(0.9 + 0.26 * len(rows), size)
    axes = figure.subplots()
    for place, (_, difference, standing) in enumerate(rows):
        colour = MUTED if standing in (Standing.WITHIN, Standing.TOO_FEW) else INK
        if difference.low is not None and difference.high is not None:
            axes.plot([100 * difference.low, 100 * difference.high], [place, place], color=colour, linewidth=2)
        filled = colour if difference.low is not None else PAPER
        axes.plot(100 * difference.value, place, "o", color=colour, markerfacecolor=filled, markersize=5)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.axvline(100 * decision.rule.margin, color=MUTED, linewidth=1, linestyle="--")
    axes.axvline(-100 * decision.rule.bound, color=MUTED, linewidth=1, linestyle=":")
    axes.set_yticks(range(len(rows)), [shortened(title, 24) for title, *_ in rows])
    axes.invert_yaxis()
    axes.set_xlabel("difference, percentage points")
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    return figure
