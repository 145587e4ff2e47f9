"""Runs side by side: the same clips, the same right answers, and whether the runs differ beyond chance."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from training.evaluation import metrics, paired
from training.evaluation.evaluate import Condition, predict
from training.run.answers import Predictions
from training.run.folder import Run

_FIGURES = ("wa", "wa_interval", "ua", "ua_interval", "macro_f1", "macro_f1_interval", "ece", "ece_interval")


def compare(
    runs: Sequence[Run],
    dataset: Dataset,
    condition: Condition,
    on_batch: Callable[[int], None] | None = None,
) -> dict:
    """Ask every run for every clip of a side, and compare each with the first.

    Args:
        runs: Two or more, with the same labels in the same order.
        dataset: Any prepared dataset.
        condition: What to measure on and against.
        on_batch: Called with the number of clips answered since the last call.

    Returns:
        `condition` (its title), `split`, `split_name`, `corpora`, `fingerprint`, `synthetic`, `clips`, `speakers`,
        `labels`; `runs`, for each the `folder`, `family`, `seen_speakers` (how many were on its `train` and
        `validation` sides), its `wa`, `ua`, `macro_f1` and `ece` with their intervals, and `recalls` by emotion; and
        `comparisons`, for each run but the first what `paired.Comparison` holds, its `folder`, the `p_corrected` of
        each metric and of McNemar's test for the number of comparisons (Holm), and `recalls`, the differences by
        emotion.

    Raises:
        UserError: If there are fewer than two runs, their labels differ, or no clip has a right answer; see also
            `evaluate.predict`.
    """
    _check(runs)
    answers = [predict(run, dataset, condition, on_batch) for run in runs]
    clear = answers[0].clear
    if not clear.any():
        raise UserError(
            f"listeners agree on one of the labels for no {condition.split} clip of {dataset.folder}: "
            "compare with --labels acted"
        )
    truth, speakers = answers[0].truth[clear], answers[0].speakers[clear]
    told = [_figures(run, one, clear) for run, one in zip(runs, answers, strict=True)]
    compared = [
        paired.compare(answers[0].probabilities[clear], one.probabilities[clear], truth, speakers).to_json()
        for one in answers[1:]
    ]
    return {
        "condition": condition.title,
        "split": condition.split,
        "split_name": dataset.split_kind,
        "corpora": list(dataset.corpora),
        "fingerprint": dataset.fingerprint,
        "synthetic": dataset.synthetic,
        "clips": len(truth),
        "speakers": len(np.unique(speakers)),
        "labels": list(runs[0].labels),
        "runs": told,
        "comparisons": _corrected(compared, told),
    }


def dataset_of(runs: Sequence[Run]) -> Path:
    """The folder of the data that runs were trained on.

    Raises:
        UserError: If they were trained on different data, so that it has to be said which to compare on.
    """
    if len({run.config["data"]["fingerprint"] for run in runs}) > 1:
        raise UserError("these runs were trained on different data: say with --data what to compare them on")
    return Path(runs[0].config["data"]["folder"])


def _check(runs: Sequence[Run]) -> None:
    if len(runs) < 2:
        raise UserError("one run alone cannot be compared: name two or more")
    for run in runs[1:]:
        if run.labels != runs[0].labels:
            raise UserError(
                f"{run.folder} tells {', '.join(run.labels)} apart and {runs[0].folder} {', '.join(runs[0].labels)}: "
                "only runs with the same emotions can be compared"
            )


def _figures(run: Run, answers: Predictions, clear: np.ndarray) -> dict:
    speakers = answers.speakers[clear]
    measured = metrics.evaluate(answers.probabilities[clear], answers.truth[clear], speakers, run.labels)
    return {
        "folder": str(run.folder),
        "family": run.config["model"]["family"],
        "seen_speakers": {
            side: len(set(known) & set(map(str, speakers))) for side, known in run.config["data"]["speakers"].items()
        },
        **{name: measured[name] for name in _FIGURES},
        "recalls": {label: row["recall"] for label, row in measured["per_class"].items()},
    }


def _corrected(compared: Sequence[dict], runs: Sequence[dict]) -> list[dict]:
    """Comparisons with p values that make up for their number."""
    corrected: list[dict] = [
        {
            "folder": run["folder"],
            **one,
            "metrics": {name: dict(found) for name, found in one["metrics"].items()},
            "recalls": {label: recall - runs[0]["recalls"][label] for label, recall in run["recalls"].items()},
        }
        for one, run in zip(compared, runs[1:], strict=True)
    ]
    for name in paired.METRICS:
        for one, p in zip(corrected, paired.holm([each["metrics"][name]["p"] for each in compared]), strict=True):
            one["metrics"][name]["p_corrected"] = p
    for one, p in zip(corrected, paired.holm([each["mcnemar"]["p"] for each in compared]), strict=True):
        one["mcnemar"]["p_corrected"] = p
    return corrected
