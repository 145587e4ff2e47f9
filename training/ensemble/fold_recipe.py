"""How a member is trained again without the speakers of a fold."""

from dataclasses import replace
from typing import Any

from data_pipeline.errors import UserError
from training.recipes.families import recipe_of
from training.run import Run


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
    return replace(recipe, fit=replace(recipe.fit, keep="last", epochs=_kept_epoch(run, recipe.fit.keep)))


def _kept_epoch(run: Run, keep: str) -> int:
    history = run.history()
    if not history:
        raise UserError(f"{run.folder} has no history.csv, which tells the epoch that it kept: train the run again")
    kept = history[-1] if keep == "last" else max(history, key=lambda row: row["validation_ua"])
    return int(kept["epoch"])
