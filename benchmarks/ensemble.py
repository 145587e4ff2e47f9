"""Models pooled: what several say of clips whose speakers none of them has heard, put together and measured."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_pipeline.errors import UserError
from quiet_tensorflow import hush

if TYPE_CHECKING:
    import numpy as np

_KNOWN = ("name", "speaker", "truth", "labels")


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model said of clips.

    Attributes:
        name: strings [clips].
        speaker: strings [clips].
        truth: int [clips].
        labels: strings [classes].
        probabilities: float [clips, classes].
    """

    name: "np.ndarray"
    speaker: "np.ndarray"
    truth: "np.ndarray"
    labels: "np.ndarray"
    probabilities: "np.ndarray"


def main(
    members: Annotated[
        list[str],
        typer.Argument(
            help="FILE.npz:MODEL, as `out/cv/predictions.npz:clean` of mobilenet_cross_validation and "
            "`out/baseline/functionals-cross-validation.npz:svm-rbf` of xgboost_baseline."
        ),
    ],
    folds: Annotated[int, typer.Option(help="Of the speakers, to fit weights on the others.", min=2)] = 9,
    seed: Annotated[int, typer.Option(help="Of the folds.", min=0)] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Pool models by weighted geometric means of their probabilities, and measure each and the pool.

    Everyone's answers must be to speakers not heard in training, as those of a cross-validation are. The weights with
    which a speaker is judged are fitted on the answers to other speakers; weights that are all equal need no fit.

    Example: `python -m benchmarks.ensemble cv/predictions.npz:clean baseline/functionals-cross-validation.npz:svm-rbf`
    """
    hush()
    import numpy as np

    from benchmarks.baseline.ensemble import pooled
    from benchmarks.report import show
    from training.metrics import evaluate

    if len(members) < 2:
        raise UserError("name two or more to pool, each as FILE.npz:MODEL")
    read = dict(zip(members, _aligned([_read(member) for member in members], members), strict=True))
    first = read[members[0]]
    said = {name: answers.probabilities for name, answers in read.items()}
    weights, said["pooled, fitted weights"] = _cross_fitted(list(said.values()), first, folds, seed)
    each = np.full(len(members), 1 / len(members))
    said["pooled, equal weights"] = pooled([answers.probabilities for answers in read.values()], each)
    labels = [str(label) for label in first.labels]
    figures = {name: evaluate(answers, first.truth, first.speaker, labels) for name, answers in said.items()}
    rows = [
        (
            name,
            tuple(100 * value for key in ("wa", "ua", "macro_f1") for value in (found[key], *found[f"{key}_interval"])),
        )
        for name, found in figures.items()
    ]
    mean = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(members, weights.mean(0), strict=True))
    show(
        f"{len(first.truth):,} clips of {len(np.unique(first.speaker))} speakers, new to who answers; in percent",
        ("", "WA", "from", "to", "UA", "from", "to", "macro-F1", "from", "to"),
        rows,
        f"fitted weights, the mean over {folds} folds: {mean}",
        {"weights": dict(zip(members, weights.mean(0).tolist(), strict=True)), "figures": figures},
        json_file,
    )


def _read(member: str) -> Answers:
    import numpy as np

    path, _, model = member.rpartition(":")
    try:
        with np.load(path) as arrays:
            if model in _KNOWN or model not in arrays or not set(_KNOWN) <= set(arrays):
                found = ", ".join(sorted(set(arrays) - set(_KNOWN)))
                raise UserError(f"{member}: {path} has answers of {found or 'nobody'}: name one of these")
            return Answers(**{key: arrays[key] for key in _KNOWN}, probabilities=arrays[model])
    except (OSError, ValueError) as error:
        raise UserError(f"{member} cannot be read ({error}): give FILE.npz:MODEL") from error


def _aligned(read: list[Answers], members: list[str]) -> list[Answers]:
    """The same clips in the same order."""
    import numpy as np

    aligned: list[Answers] = []
    for answers, member in zip(read, members, strict=True):
        order = np.argsort(answers.name)
        sorted_ones = {key: getattr(answers, key)[order] for key in ("name", "speaker", "truth", "probabilities")}
        ordered = Answers(labels=answers.labels, **sorted_ones)
        if aligned and not all(
            np.array_equal(getattr(ordered, key), getattr(aligned[0], key)) for key in ("name", "truth", "labels")
        ):
            raise UserError(f"{member} has other clips or labels than {members[0]}: make both from the same dataset")
        aligned.append(ordered)
    return aligned


def _cross_fitted(said: "list[np.ndarray]", answers: Answers, folds: int, seed: int) -> "tuple[np.ndarray, np.ndarray]":
    """Weights [folds, members], and the pool's answers, each with weights fitted on other speakers."""
    import numpy as np
    from sklearn.model_selection import StratifiedGroupKFold

    from benchmarks.baseline.ensemble import pool_weights, pooled

    speakers = len(np.unique(answers.speaker))
    if folds > speakers:
        raise UserError(f"--folds {folds}: there are {speakers} speakers")
    cut = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    weights, together = [], np.zeros_like(said[0], np.float64)
    for fitted, judged in cut.split(answers.truth, answers.truth, answers.speaker):
        weights.append(pool_weights([each[fitted] for each in said], answers.truth[fitted]))
        together[judged] = pooled([each[judged] for each in said], weights[-1])
    return np.array(weights), together


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
