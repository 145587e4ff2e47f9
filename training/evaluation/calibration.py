"""Calibrate a run: fit the temperature of its answers, and measure what the temperature does for other speakers."""

from collections.abc import Callable

import numpy as np

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from training.evaluation import metrics
from training.evaluation.condition import Condition
from training.evaluation.evaluate import predict, with_right_answer
from training.run.folder import Run
from training.temperature import cross_fitted, fit_temperature, scaled


def calibrate(run: Run, dataset: Dataset, condition: Condition, on_batch: Callable[[int], None] | None = None) -> dict:
    """Fit the temperature of a run's answers and write it to `calibration.json`, which recogniser and export read.

    Args:
        run: A run with weights. An earlier calibration is replaced.
        dataset: Any prepared dataset.
        condition: The clips to fit on, and the labels that count as right.
        on_batch: Called with the number of clips that were predicted since the last call.

    Returns:
        The content of the file: `temperature`; `condition` (its title), `corpora`, `fingerprint`, `speakers` and
        `clips` that it was fitted on; and the expected calibration error on them with its interval (`…_interval`):
        `ece_before` without a temperature, `ece_fitted` with this one, which is too optimistic, and
        `ece_cross_fitted`, with each speaker at the temperature that the other speakers give.

    Raises:
        UserError: If the run was trained on one of the speakers, there are fewer than two speakers, or no clip has a
            right answer. See also `predict`.
    """
    seen = set(dataset.split(condition.split).speakers) & set(run.config["data"]["speakers"]["train"])
    if seen:
        raise UserError(
            f"{run.folder} was trained on {len(seen)} of the {condition.split} speakers of {dataset.folder}, and "
            "its confidence in their clips is too high: calibrate on other speakers"
        )
    answers = with_right_answer(predict(run, dataset, condition, on_batch))
    truth, speakers = answers.truth, answers.speakers
    if len(np.unique(speakers)) < 2:
        raise UserError(
            f"the {condition.split} split of {dataset.folder} has right answers for fewer than two speakers: "
            "calibrate on more speakers"
        )
    # An earlier temperature is taken off.
    probabilities = scaled(answers.probabilities, 1 / run.temperature)
    temperature = fit_temperature(probabilities, truth)
    calibration = {
        "temperature": temperature,
        "condition": condition.title,
        "corpora": list(dataset.corpora),
        "fingerprint": dataset.fingerprint,
        "speakers": sorted(set(map(str, speakers))),
        "clips": len(truth),
    }
    for name, at_temperature in (
        ("ece_before", probabilities),
        ("ece_fitted", scaled(probabilities, temperature)),
        ("ece_cross_fitted", cross_fitted(probabilities, truth, speakers)),
    ):
        measured = metrics.compute_metrics(at_temperature, truth, speakers, run.labels)
        calibration |= {name: measured["ece"], f"{name}_interval": measured["ece_interval"]}
    run.record_calibration(calibration)
    return calibration
