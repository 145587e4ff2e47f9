"""A family of models whose trainings are a formula: the results are known, and they take no time."""

import json
import math
from dataclasses import asdict
from pathlib import Path

from data_pipeline.errors import UserError
from training.families.cnn.family import CnnFamily
from training.families.cnn.recipe import CnnSettings
from training.fitting.observer import Epoch, Observer
from training.run.folder import Run

BEST_RATE = 1e-3


def height(rate, fold):
    """The UA that a training tends to: highest at one learning rate, and another in each fold."""
    return 0.6 - 0.1 * abs(math.log10(rate / BEST_RATE)) + 0.05 * fold


class FormulaFamily(CnnFamily):
    """Has the recipes of `cnn`; counts its epochs and is interrupted after some of them. `trained_by_formula` replaces
    `train`.

    Args:
        interrupted_after: Epochs in all, over all trainings; never unless given.
    """

    def __init__(self, interrupted_after=None):
        self.interrupted_after = interrupted_after
        self.epochs = 0
        self.datasets = []

    def trained_by_formula(self, recipe, dataset, folder: Path, observer: Observer | None = None):
        if recipe.model.hidden == 1:
            raise UserError("one unit is too few")
        if recipe.fit.batch_size == 1:
            raise ValueError("Keras takes no batches of 1")
        self.datasets.append(dataset)
        run = Run.create(
            folder,
            {
                "model": {"family": "cnn", **asdict(recipe.model)},
                "weights": None,
                "fit": asdict(recipe.fit),
                "front_end": {"kind": "log_mel", **asdict(recipe.front_end)},
                "labels": list(recipe.target.labels),
                "label_kind": recipe.target.kind,
                "data": {"fingerprint": dataset.fingerprint},
            },
        )
        rows = json.loads(run.state_file.read_text()) if run.state_file.exists() else []
        top = height(recipe.fit.learning_rate, int(dataset.folder.name[-1]))
        while len(rows) < recipe.fit.epochs:
            if self.epochs == self.interrupted_after:
                self.interrupted_after = None
                raise KeyboardInterrupt
            self.epochs += 1
            number = len(rows) + 1
            loss = math.nan if recipe.model.dropout > 0.9 else 1 / number
            row = Epoch(number, loss, loss, 0.5, top * number / recipe.fit.epochs, 1.5)
            rows.append(asdict(row))
            (folder / "model.keras").write_text("weights")
            run.write_history(rows)
            run.state_file.write_text(json.dumps(rows))
            observer.on_epoch_end(row, True)
        run.state_file.unlink()
        return run, Epoch(**rows[-1])


SMALL = {"model": asdict(CnnSettings((4, 8), window_frames=48, hidden=8)), "fit": {"epochs": 4, "patience": 4}}
