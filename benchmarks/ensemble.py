"""Models pooled: probabilities for clips whose speakers no model was trained on, combined and measured."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_pipeline.errors import UserError

if TYPE_CHECKING:
    from training.cross_validation.stored_answers import StoredAnswers
    from training.ensemble.pool import CrossFit


_METRICS = {"wa": "WA", "ua": "UA", "macro_f1": "macro-F1", "ece": "ECE"}


def main(
    members: Annotated[
        list[str],
        typer.Argument(
            help="FILE.npz:MODEL, such as `out/cv/predictions.npz:clean` of cross_validation and "
            "`out/baseline/functionals-cross-validation.npz:kernel-ridge` of xgboost_baseline."
        ),
    ],
    folds: Annotated[
        int, typer.Option(help="Number of folds of the speakers; weights are fitted on the other folds.", min=2)
    ] = 9,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Pool models by weighted geometric means of their probabilities, and measure each model, the pool, and its gain.

    Every model must have been trained without the speakers that it predicts, as in a cross-validation. The weights for
    a speaker are fitted on other speakers; equal weights need no fit.

    The claim, in `docs/results.md`: models that are pooled are right more often than each of them.

    Example: `python -m benchmarks.ensemble cv/predictions.npz:clean cv-functionals/predictions.npz:clean`
    """
    from benchmarks.report import show
    from data_pipeline.pages import points, points_interval
    from training.cross_validation.stored_answers import read_stored
    from training.ensemble.pool import Pool
    from training.evaluation.metrics import compute_metrics
    from training.evaluation.paired import compare_models

    if len(members) < 2:
        raise UserError("name two or more to pool, each as FILE.npz:MODEL")
    read = _aligned([read_stored(member) for member in members])
    first, answers = read[0], [each.probabilities for each in read]
    fitted = _fitted(read, folds)
    pooled = {
        **dict(zip(members, answers, strict=True)),
        "pooled, fitted weights": fitted.answers,
        "pooled, equal weights": Pool.equal(len(members), len(first.labels)).answers(answers),
    }
    weights = fitted.weights.mean(0)
    labels = [str(label) for label in first.labels]
    figures = {name: compute_metrics(each, first.truth, first.speaker, labels) for name, each in pooled.items()}
    rows = [
        (
            name,
            tuple(100 * value for key in _METRICS for value in (found[key], *found[f"{key}_interval"])),
        )
        for name, found in figures.items()
    ]
    best = max(members, key=lambda member: figures[member]["wa"])
    compared = compare_models(pooled[best], fitted.answers, first.truth, first.speaker)
    change = compared.metrics["wa"]
    mean = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(members, weights, strict=True))
    show(
        f"{len(first.truth):,} clips of {compared.speakers} speakers, each predicted by models trained without the "
        "speaker; in percent",
        ("", *(heading for title in _METRICS.values() for heading in (title, "from", "to"))),
        rows,
        f"fitted weights, the mean over {folds} folds: {mean}\n"
        f"fitted weights against {best}: WA {points(change.difference)} points "
        f"{points_interval(change.interval, compared.speakers)}",
        {
            "weights": dict(zip(members, weights.tolist(), strict=True)),
            "figures": figures,
            "best": best,
            "against_best": compared.to_json(),
        },
        json_file,
    )


def _aligned(read: "list[StoredAnswers]") -> "list[StoredAnswers]":
    """The predictions of all models with the same clips in the same order."""
    from dataclasses import replace

    import numpy as np

    aligned: list[StoredAnswers] = []
    for answers in read:
        order = np.argsort(answers.name)
        clips = {key: getattr(answers, key)[order] for key in ("name", "speaker", "truth", "probabilities")}
        aligned.append(replace(answers, **clips))
    first = aligned[0]
    for answers in aligned[1:]:
        if not all(np.array_equal(getattr(answers, key), getattr(first, key)) for key in ("name", "truth", "labels")):
            raise UserError(
                f"{answers.source} has other clips or labels than {first.source}: make both from the same dataset"
            )
    return aligned


def _fitted(read: "list[StoredAnswers]", folds: int) -> "CrossFit":
    """The pooled probabilities of each fold of the speakers, with weights fitted on the other folds."""
    import numpy as np

    from data_pipeline.splits import folds_of_speakers
    from training.ensemble.pool import cross_fit

    first = read[0]
    speakers = dict.fromkeys(map(str, first.speaker), "")
    if folds > len(speakers):
        raise UserError(f"--folds {folds}: there are {len(speakers)} speakers")
    fold_of = folds_of_speakers(speakers, folds)
    fold = np.array([fold_of[str(speaker)] for speaker in first.speaker])
    return cross_fit([each.probabilities for each in read], first.truth, fold)


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
