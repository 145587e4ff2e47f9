"""Runs side by side: the same clips, the same right answers, and whether the runs differ beyond chance."""

from collections.abc import Callable, Sequence
from pathlib import Path

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from training.evaluation import metrics, paired
from training.evaluation.condition import Condition
from training.evaluation.evaluate import no_right_answer, predict, with_right_answer
from training.run.answers import Predictions
from training.run.folder import Run

_METRICS = ("wa", "wa_interval", "ua", "ua_interval", "macro_f1", "macro_f1_interval", "ece", "ece_interval")


def compare_runs(
    runs: Sequence[Run],
    dataset: Dataset,
    condition: Condition,
    on_batch: Callable[[int], None] | None = None,
) -> dict:
    """Let every run predict every clip of a split, and compare each run with the first.

    Args:
        runs: Two or more, with the same labels in the same order.
        dataset: Any prepared dataset.
        condition: What to measure on and against.
        on_batch: Called with the number of clips that were predicted since the last call.

    Returns:
        `condition` (its title), `split`, `split_name`, `corpora`, `fingerprint`, `synthetic`, `speakers_unknown`,
        `clips`, `speakers`, `labels`, `absent` (labels that no clip has); `runs`, for each the `folder`, `family`,
        `seen_speakers` (how many of the speakers were in its `train` and `validation` splits), its `wa`, `ua`,
        `macro_f1` and `ece` with their intervals, and `recalls` by emotion; and `comparisons`, for each run but the
        first the fields of `paired.ModelComparison`, its `folder`, the `p_corrected` of each metric and of McNemar's
        test for the number of comparisons (Holm; None where there are too few speakers to tell), and `recalls`, the
        differences by emotion.

    Raises:
        UserError: If there are fewer than two runs, their labels differ, or no clip has a right answer; see also
            `evaluate.predict`.
    """
    _check(runs)
    refusal = f"{no_right_answer(dataset, condition)}: compare with --labels acted"
    answers = [with_right_answer(predict(run, dataset, condition, on_batch), refusal) for run in runs]
    first = answers[0]
    described = [_describe(run, one) for run, one in zip(runs, answers, strict=True)]
    compared = [
        paired.compare_models(first.probabilities, one.probabilities, first.truth, first.speakers)
        for one in answers[1:]
    ]
    return {
        "condition": condition.title,
        "split": condition.split,
        "split_name": dataset.split_kind,
        "corpora": list(dataset.corpora),
        "fingerprint": dataset.fingerprint,
        "synthetic": dataset.synthetic,
        "speakers_unknown": dataset.speakers_unknown,
        "clips": len(first.truth),
        "speakers": compared[0].speakers,
        "labels": list(runs[0].labels),
        "absent": [label for place, label in enumerate(runs[0].labels) if not (first.truth == place).any()],
        "runs": described,
        "comparisons": _corrected([one.to_json() for one in compared], described),
    }


def dataset_of(runs: Sequence[Run]) -> Path:
    """The folder of the data that runs were trained on.

    Raises:
        UserError: If they were trained on different data, so that the user has to choose.
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


def _describe(run: Run, answers: Predictions) -> dict:
    measured = metrics.compute_metrics(answers.probabilities, answers.truth, answers.speakers, run.labels)
    return {
        "folder": str(run.folder),
        "family": run.config["model"]["family"],
        "seen_speakers": {
            split: len(set(known) & set(map(str, answers.speakers)))
            for split, known in run.config["data"]["speakers"].items()
        },
        **{name: measured[name] for name in _METRICS},
        "recalls": {label: row["recall"] for label, row in measured["per_class"].items()},
    }


def _corrected(compared: Sequence[dict], runs: Sequence[dict]) -> list[dict]:
    """Add to comparisons what needs all of them: p values corrected for their number, and differences of recalls."""
    corrected: list[dict] = [
        {
            "folder": run["folder"],
            **one,
            "recalls": {label: recall - runs[0]["recalls"][label] for label, recall in run["recalls"].items()},
        }
        for one, run in zip(compared, runs[1:], strict=True)
    ]
    tests = [[*one["metrics"].values(), one["mcnemar"]] for one in corrected]
    for same_test in zip(*tests, strict=True):
        # All comparisons are on the same speakers, who can tell of each or of none.
        told = [test["p"] for test in same_test if test["p"] is not None]
        values: list[float | None] = [*paired.holm(told)] if told else [None] * len(same_test)
        for test, p in zip(same_test, values, strict=True):
            test["p_corrected"] = p
    return corrected
