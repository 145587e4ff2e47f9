"""The page of a comparison: figures, confusions, classes, and which families of features decided."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from benchmarks.baseline.experiment import ENSEMBLE, ClassifierResult
from data_pipeline.pages.page import Plot, Section, Table, page
from data_pipeline.pages.style import MUTED, OUTLINE, new_figure, png, styled
from training.report.figures import confusion_figure

METRICS = (("wa", "WA"), ("ua", "UA"), ("macro_f1", "macro-F1"))


def baseline_page(
    title: str,
    facts: Sequence[tuple[str, str]],
    notices: Sequence[str],
    outcomes: dict[str, ClassifierResult],
    families: Sequence[str],
) -> str:
    """The page's HTML.

    Args:
        title: What was compared.
        facts: For the top of the page.
        notices: What a reader must know.
        outcomes: From `experiment.run`.
        families: Of the features whose gains XGBoost tells.
    """
    sections = [
        Section(
            "Figures",
            "WA is the share of clips that are right, UA the mean of the classes' recalls; 95 % intervals by bootstrap "
            "over speakers. The time of a fit is CPU time, the mean over folds, without the choice of its setting.",
            tables=(_figures(outcomes),),
        )
    ]
    sections += [_classifier(name, outcome) for name, outcome in outcomes.items()]
    told = [outcome for outcome in outcomes.values() if len(outcome.gains)]
    if told:
        sections.append(_importance(family_shares(told[0].gains, families)))
    return page(title, facts, notices, sections)


def family_shares(gains: np.ndarray, families: Sequence[str]) -> dict[str, float]:
    """Shares of the families of features in what was gained, largest first.

    Args:
        gains: float [features].
        families: As many.
    """
    totals = dict.fromkeys(families, 0.0)
    for gain, family in zip(gains, families, strict=True):
        totals[family] += float(gain)
    return dict(sorted(totals.items(), key=lambda item: -item[1]))


def shown(metrics: dict, name: str) -> str:
    """A figure with its interval, in percent."""
    low, high = metrics[f"{name}_interval"]
    return f"{100 * metrics[name]:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _figures(outcomes: dict[str, ClassifierResult]) -> Table:
    return Table(
        ("classifier", *(title for _, title in METRICS), "fit, CPU s", "settings chosen, a fold each"),
        tuple(
            (
                name,
                *(shown(outcome.metrics, key) for key, _ in METRICS),
                f"{outcome.seconds:.1f}",
                ", ".join(f"{setting:g}" for setting in outcome.settings),
            )
            for name, outcome in outcomes.items()
        ),
    )


def _classifier(name: str, outcome: ClassifierResult) -> Section:
    metrics = outcome.metrics
    text = f"{metrics['clips']:,} clips of {metrics['speakers']} speakers whom it was not fitted on."
    if name == ENSEMBLE:
        weights = ", ".join(f"{member} {weight:.2f}" for member, weight in outcome.weights.items())
        text += f" Weights of log-probabilities, learned within each fitting set: {weights}."
    classes = Table(
        ("emotion", "precision", "recall", "F1", "clips"),
        tuple(
            (label, *(f"{row[key]:.1%}" for key in ("precision", "recall", "f1")), f"{row['clips']:,}")
            for label, row in metrics["per_class"].items()
        ),
    )
    figure = confusion_figure(metrics["confusion"], metrics["labels"])
    description = f"Confusion matrix of {name}: rows are the acted emotions, columns the answers."
    return Section(name, text, (Plot(f"confusion_{name}", png(figure), description),), (classes,))


def _importance(shares: dict[str, float]) -> Section:
    return Section(
        "Features that decided",
        "Share of each family of features in the total gain of XGBoost's splits, the mean over folds. Families differ "
        "in size, and correlated features share what they bring.",
        (Plot("importance", png(_bars(shares)), "Bars: shares of the families of features in XGBoost's gain."),),
        (Table(("family", "share"), tuple((family, f"{share:.1%}") for family, share in shares.items())),),
    )


@styled
def _bars(shares: dict[str, float]) -> Figure:
    figure = new_figure(0.8 + 0.28 * len(shares), 7)
    axes = figure.subplots()
    names = list(shares)[::-1]
    axes.barh(names, [100 * shares[name] for name in names], color=MUTED, **OUTLINE)
    axes.set_xlabel("share of gain (%)")
    axes.grid(visible=True, axis="x")
    axes.set_axisbelow(True)
    return figure
