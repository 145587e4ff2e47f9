"""Making a model's confidence mean what it says: one temperature for its answers (Guo et al. 2017, arXiv:1706.04599).

An answer's logits are divided by the temperature, which changes no order: above 1 all confidence shrinks, below 1 it
grows. It is fitted on speakers that the weights were not, and how well it serves others is told by leaving each of
them out in turn.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from training.evaluation import metrics
from training.evaluation.evaluate import Condition, predict
from training.evaluation.temperature import scaled
from training.run.folder import Run

_RANGE = (0.1, 10.0)
"""Between these temperatures lies any that a model which learned something needs."""


def fit_temperature(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The temperature with the least cross-entropy.

    Args:
        probabilities: float [clips, classes], as the model answers them.
        truth: int [clips], index of the right class.

    Returns:
        A number from 0.1 to 10.

    Raises:
        ValueError: If there are no clips.
    """
    if not len(truth):
        raise ValueError("a temperature needs at least one clip. Received: none")
    rows = np.arange(len(truth))

    def cross_entropy(logarithm: float) -> float:
        right = scaled(probabilities, float(np.exp(logarithm)))[rows, truth]
        return float(-np.log(np.maximum(right, 1e-30)).mean())

    low, high = np.log(_RANGE)
    return float(np.exp(minimize_scalar(cross_entropy, bounds=(low, high), method="bounded").x))


def cross_fitted(probabilities: np.ndarray, truth: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """Answers to each speaker, at the temperature that all the other speakers give.

    Args:
        probabilities: float [clips, classes], as the model answers them.
        truth: int [clips], index of the right class.
        speakers: [clips], who speaks; two or more.

    Returns:
        float [clips, classes].
    """
    answers = np.empty_like(probabilities)
    for speaker in np.unique(speakers):
        own = speakers == speaker
        answers[own] = scaled(probabilities[own], fit_temperature(probabilities[~own], truth[~own]))
    return answers


def calibrate(run: Run, dataset: Dataset, condition: Condition, on_batch: Callable[[int], None] | None = None) -> dict:
    """Fit the temperature of a run's answers and leave it in `calibration.json`, where recogniser and export find it.

    Args:
        run: A run with weights; an earlier calibration is replaced.
        dataset: Any prepared dataset.
        condition: The clips to fit on, and whose word is right.
        on_batch: Called with the number of clips answered since the last call.

    Returns:
        What is in the file: `temperature`; `condition` (its title), `corpora`, `fingerprint`, `speakers` and `clips`
        that it was fitted on; and the expected calibration error on them with its interval (`…_interval`): `ece_before`
        without a temperature, `ece_fitted` with this one, which flatters, and `ece_cross_fitted`, each speaker at the
        temperature of the others.

    Raises:
        UserError: If the run was trained on one of the speakers, there are fewer than two, or no clip has a right
            answer; also see `predict`.
    """
    side = dataset.split(condition.split)
    seen = set(side.speakers) & set(run.config["data"]["speakers"]["train"])
    if seen:
        raise UserError(
            f"{run.folder} was trained on {len(seen)} of the {condition.split} speakers of {dataset.folder}, of whom "
            "it is too sure: calibrate on others"
        )
    answers = predict(run, dataset, condition, on_batch)
    clear = answers.truth >= 0
    truth, speakers = answers.truth[clear], answers.speakers[clear]
    if len(np.unique(speakers)) < 2:
        raise UserError(
            f"the {condition.split} side of {dataset.folder} has right answers for fewer than two speakers: "
            "calibrate on more"
        )
    # As the model gives them, whatever temperature the run had before.
    probabilities = scaled(answers.probabilities[clear], 1 / run.temperature)
    temperature = fit_temperature(probabilities, truth)
    kinds = {
        "ece_before": probabilities,
        "ece_fitted": scaled(probabilities, temperature),
        "ece_cross_fitted": cross_fitted(probabilities, truth, speakers),
    }
    calibration = {
        "temperature": temperature,
        "condition": condition.title,
        "corpora": list(dataset.corpora),
        "fingerprint": dataset.fingerprint,
        "speakers": sorted(set(map(str, speakers))),
        "clips": len(truth),
    }
    for name, found in kinds.items():
        measured = metrics.evaluate(found, truth, speakers, run.labels)
        calibration |= {name: measured["ece"], f"{name}_interval": measured["ece_interval"]}
    run.record_calibration(calibration)
    return calibration
