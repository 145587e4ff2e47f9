"""The page of the classical baseline: figures, confusion matrices, classes, and which families of features decided."""

from collections.abc import Sequence

import numpy as np

from benchmarks.baseline.experiment import ENSEMBLE, ClassifierResult
from data_pipeline.pages import NOT_KNOWN, Bar, Group, Page, Piece, Section, Table, Value, interval, render
from training.report.page import class_table, clips_in_words, confusion_matrix

METRICS = (("wa", "WA"), ("ua", "UA"), ("macro_f1", "macro-F1"))


def baseline_page(
    title: str,
    facts: Sequence[tuple[str, str]],
    notices: Sequence[str],
    results: dict[str, ClassifierResult],
    families: Sequence[str],
) -> str:
    """The page's HTML.

    Args:
        title: What was compared.
        facts: Names and values, for the top of the page.
        notices: What a reader must know before any figure, a sentence each.
        results: From `experiment.run`.
        families: Families of the features that XGBoost's gains belong to.
    """
    sections = [
        Section(
            "Figures",
            (
                "WA is the share of correct clips, UA the mean of the classes' recalls; 95 % intervals by bootstrap "
                "over speakers. The time of a fit is CPU time, averaged over the folds, without the choice of its "
                "setting.",
                _figures(results),
            ),
        )
    ]
    sections += [_classifier(name, result) for name, result in results.items()]
    told = [result for result in results.values() if len(result.gains)]
    if told:
        sections.append(_importance(family_shares(told[0].gains, families)))
    return render(Page(title, facts, notices, sections))


def family_shares(gains: np.ndarray, families: Sequence[str]) -> dict[str, float]:
    """Shares of the families of features in the total gain, largest first.

    Args:
        gains: float [features].
        families: The family of each feature.
    """
    totals = dict.fromkeys(families, 0.0)
    for gain, family in zip(gains, families, strict=True):
        totals[family] += float(gain)
    return dict(sorted(totals.items(), key=lambda item: -item[1]))


def shown(metrics: dict, name: str) -> str:
    """A figure with its interval, in percent; one speaker gives no interval."""
    ends = metrics[f"{name}_interval"]
    words = f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}" if ends else NOT_KNOWN
    return f"{100 * metrics[name]:.1f} % ({words})"


def _figures(results: dict[str, ClassifierResult]) -> Table:
    rows: list[tuple[Piece, ...]] = [
        (
            name,
            *(
                Value(f"{result.metrics[key]:.1%}", interval(result.metrics[f"{key}_interval"], speakers))
                for key, _ in METRICS
            ),
            f"{result.seconds:.1f}",
            ", ".join(f"{setting:g}" for setting in result.settings),
        )
        for name, result in results.items()
        for speakers in [result.metrics["speakers"]]
    ]
    header = ("classifier", *(title for _, title in METRICS), "fit, CPU s", "setting chosen in each fold")
    return Table("Figures", header, rows)


def _classifier(name: str, result: ClassifierResult) -> Section:
    text = f"{clips_in_words(result.metrics)}, none of them in the fitting data."
    if name == ENSEMBLE:
        weights = ", ".join(f"{member} {weight:.2f}" for member, weight in result.weights.items())
        text += f" Weights of log-probabilities, learned within each fitting set: {weights}."
    return Section(name, (text, Group([confusion_matrix(result.metrics), class_table(result.metrics)], "row")))


def _importance(shares: dict[str, float]) -> Section:
    title = "Features that decided"
    return Section(
        title,
        (
            "Share of each family of features in the total gain of XGBoost's splits, averaged over the folds. Families "
            "differ in size, and correlated features share their gain.",
            Table(
                title, ("family", "share", ""), [(name, f"{share:.1%}", Bar(share)) for name, share in shares.items()]
            ),
        ),
    )
