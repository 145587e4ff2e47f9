"""How a member is trained again without the speakers of a fold."""

from dataclasses import replace
from typing import Any

from data_pipeline.errors import UserError
from training.families.registry import recipe_of
from training.run.folder import Run


def fold_recipe(run: Run) -> Any:
    """The recipe of a run, such that nothing is chosen on the speakers that it is asked about afterwards.

    A run that kept its best epoch chose it on its validation speakers, who are none of a fold: its folds train as long
    as the kept epoch took, the schedule ending there, and keep the last.

    Args:
        run: A finished run of any family.

    Raises:
        UserError: If the recipe cannot be repeated, or it cannot be told which epoch was kept.
    """
    recipe = recipe_of(run.config)
    epochs = _kept_epoch(run, recipe.fit.keep)
    return replace(recipe, fit=replace(recipe.fit, keep="last", epochs=epochs, validate_every=epochs))


def _kept_epoch(run: Run, keep: str) -> int:
    history = run.history()
    if not history:
        raise UserError(f"{run.folder} has no history.csv, which tells the epoch that it kept: train the run again")
    looked = [number for number, row in enumerate(history) if row["validation_ua"] is not None]
    if keep == "last" or not looked:
        return len(history)
    return 1 + max(looked, key=lambda number: history[number]["validation_ua"] or 0.0)
