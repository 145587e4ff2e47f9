"""Ablation of the MobileNet recipe: train again without each of its ingredients."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks.cross_validation import CHANNELS
from benchmarks.side_by_side import run_side_by_side

if TYPE_CHECKING:
    from training.families.mobilenet.recipe import MobileNetRecipe


def main(
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    out: Annotated[Path, typer.Argument(help="Folder for the runs; the same command continues an interrupted one.")],
    weights: Annotated[Path, typer.Option(help="Initial weights, a `yamnet.h5`.")],
    preset: Annotated[str, typer.Option(help="Preset of `ser train mobilenet`.")] = "telephone",
    epochs: Annotated[int, typer.Option(help="Number of epochs of each training.", min=1)] = 6,
    only: Annotated[
        list[str] | None, typer.Option(help="Train only this variant, named as in the table; may be repeated.")
    ] = None,
    at_once: Annotated[
        int, typer.Option(help="Number of variants trained in parallel, each on its share of the cores.", min=1)
    ] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Train the whole preset, and six times without one of its ingredients, for the same number of epochs.

    All are measured on both channels, after the last epoch, so that no epoch is chosen on the speakers that are
    measured.

    The claim, in `docs/mobilenet.md`: what each ingredient of the recipe is worth in a short training.

    Example: `python -m benchmarks.mobilenet_recipe out/data out/ablation --weights yamnet.h5 --at-once 2`
    """
    from dataclasses import replace

    from benchmarks.report import show
    from data_pipeline.dataset import Dataset
    from data_pipeline.errors import UserError
    from training.cross_validation.fold_training import keep_last
    from training.evaluation.condition import Condition
    from training.evaluation.evaluate import predict
    from training.families.mobilenet.recipe import PRESETS
    from training.families.registry import family_named
    from training.fitting.progress import ProgressBars
    from training.fitting.train import train_unless_done

    if preset not in PRESETS:
        raise UserError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}")
    whole = replace(keep_last(PRESETS[preset], epochs), weights=weights)
    recipes = {"whole": whole, **without_one(whole)}
    unknown = set(only or ()) - set(recipes)
    if unknown:
        raise UserError(f"{', '.join(sorted(unknown))}: no such variant; there are {', '.join(recipes)}")
    dataset = Dataset.open(data)
    if not only and at_once > 1:
        # After this, all runs exist, and the code below only evaluates them.
        same = [str(data), str(out), "--weights", str(weights), "--preset", preset, "--epochs", str(epochs)]
        run_side_by_side({name: [*same, "--only", name] for name in recipes}, at_once)
    figures: dict[str, dict[str, float]] = {}
    for name in only or recipes:
        typer.echo(f"{name}: {out / _folder(name)}")
        with ProgressBars(epochs) as bars:
            run = train_unless_done(family_named("mobilenet"), recipes[name], dataset, out / _folder(name), bars)
        answers = {channel: predict(run, dataset, Condition(channel=channel)) for channel in CHANNELS}
        figures[name] = {
            channel: float((one.probabilities.argmax(1) == one.truth).mean()) for channel, one in answers.items()
        }
    rows = [
        (
            name,
            tuple(100 * row[channel] for channel in CHANNELS)
            + tuple(100 * (row[channel] - figures["whole"][channel]) for channel in CHANNELS if "whole" in figures),
        )
        for name, row in figures.items()
    ]
    headings = ["", *(f"WA {channel}, %" for channel in CHANNELS)]
    if "whole" in figures:
        headings += [f"difference {channel}" for channel in CHANNELS]
    show(
        f"{epochs} epochs each, {dataset.split('validation').clips:,} validation clips of "
        f"{len(dataset.split('validation').speakers)} speakers",
        headings,
        rows,
        "differences of less than two or three points are within what another seed would change",
        {"epochs": epochs, "wa": figures},
        json_file,
    )


def without_one(whole: "MobileNetRecipe") -> "dict[str, MobileNetRecipe]":
    """The recipe without each of its six ingredients, by the name of the variant."""
    from dataclasses import replace

    fit, augment = whole.fit, whole.fit.augment

    def augmented(**changes: Any) -> "MobileNetRecipe":
        return replace(whole, fit=replace(fit, augment=replace(augment, **changes)))

    return {
        "without AudioSet": replace(whole, weights=None, unfreeze_epochs=0.0),
        "without attention": replace(whole, model=replace(whole.model, pooling="mean")),
        "without averaging": replace(whole, fit=replace(fit, average=0.0)),
        "without mixup": augmented(mixup=0.0),
        "without SpecAugment": augmented(band_masks=0, frame_masks=0),
        "without telephone": augmented(telephone=0.0),
    }


def _folder(name: str) -> str:
    return name.replace(" ", "-").lower()


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
