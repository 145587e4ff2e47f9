"""Cross-validation of a model over all actors of CREMA-D: each actor is predicted by a model trained without them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks.side_by_side import run_side_by_side

if TYPE_CHECKING:
    import numpy as np

    from training.families.family import Family

CHANNELS = ("clean", "telephone")

_METRICS = (("wa", "WA"), ("ua", "UA"), ("macro_f1", "macro-F1"), ("ece", "ECE"))


def main(
    source: Annotated[str, typer.Argument(help="A corpus and its place, such as `crema_d=path/to/CREMA-D`.")],
    out: Annotated[Path, typer.Argument(help="Folder for everything. The same command resumes an interrupted one.")],
    family: Annotated[str, typer.Option(help="Family of models, see `ser train`.")] = "mobilenet",
    preset: Annotated[
        str | None, typer.Option(help="Preset, see `ser train`. Defaults to `telephone` where the family has it.")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="Initial weights, see `ser train`.")] = None,
    folds: Annotated[int, typer.Option(help="Number of folds of the speakers.", min=2)] = 5,
    epochs: Annotated[
        int | None, typer.Option(help="Number of epochs of each fold. Defaults to the preset's.", min=1)
    ] = None,
    only: Annotated[int | None, typer.Option(help="Number of the one fold to train, from 1.")] = None,
    at_once: Annotated[
        int, typer.Option(help="Number of folds that are trained side by side, each on its share of the cores.", min=1)
    ] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Train a model for each fold of the speakers, and measure it on the speakers of that fold.

    The last epoch is kept, so that nothing is chosen on the speakers that are measured. The temperature of a fold is
    fitted on the other folds (with --only, that of a speaker on the other speakers). The predictions of all folds,
    through both channels and without a temperature, are written to OUT/predictions.npz, those of one fold to its own
    folder: `name`, `speaker`, `truth`, `fold`, `labels`, and `clean` and `telephone` [clips, classes].

    The claim, in `docs/results.md`: how often models are right about speakers that they were not trained on.

    Examples: `python -m benchmarks.cross_validation crema_d=path/to/CREMA-D out/cv --weights yamnet.h5 --at-once 2`,
    `python -m benchmarks.cross_validation crema_d=path/to/CREMA-D out/cv-functionals --family functionals --at-once 2`
    """
    from data_pipeline.errors import UserError
    from training.cross_validation.fold_training import keep_last
    from training.families.registry import family_named

    if only is not None and not 1 <= only <= folds:
        raise UserError(f"there is no fold {only}: give a number from 1 to {folds}")
    trained_family = family_named(family)
    presets = trained_family.presets
    preset = preset or ("telephone" if "telephone" in presets else next(iter(presets)))
    start = {"weights": trained_family.initial_weights(weights)} if weights else {}
    known = trained_family.recipe({"preset": preset, **start})
    epochs = epochs or known.fit.epochs
    recipe = keep_last(known, epochs)
    # Before any data is prepared, so that wrong initial weights are refused at once.
    trained_family.settled(recipe)
    chosen = range(1, folds + 1) if only is None else [only]
    if only is None and at_once > 1:
        # Afterwards their files are there, and the rest of this process only reads them.
        same = [source, str(out), "--family", family, "--preset", preset]
        same += ["--folds", str(folds), "--epochs", str(epochs)]
        same += ["--weights", weights] if weights else []
        run_side_by_side({f"fold {number}": [*same, "--only", str(number)] for number in chosen}, at_once)
    parts = [_fold(trained_family, recipe, source, out, number, folds) for number in chosen]
    _report(parts, out, folds, json_file)


def _fold(family: "Family", recipe: Any, source: str, out: Path, number: int, folds: int) -> "dict[str, np.ndarray]":
    """Train on one fold and predict its speakers, or read the file with the predictions."""
    import numpy as np

    from data_pipeline.dataset import Dataset
    from training.cross_validation.fold_training import train_fold
    from training.cross_validation.stored_answers import write_stored
    from training.evaluation.condition import Condition
    from training.evaluation.evaluate import predict
    from training.fitting.progress import ProgressBars

    folder = _folder(out, number, folds)
    file = folder / "predictions.npz"
    typer.echo(f"fold {number} of {folds}: {folder}")
    _prepare(source, folder / "data", number, folds)
    dataset = Dataset.open(folder / "data")
    # Also if the file is there: a run of another recipe is refused.
    with ProgressBars(recipe.fit.epochs) as bars:
        run = train_fold(family, recipe, dataset, folder / "run", bars)
    if not file.exists():
        answers = {channel: predict(run, dataset, Condition(channel=channel)) for channel in CHANNELS}
        clean = answers["clean"]
        write_stored(
            file,
            {
                "name": clean.names,
                "speaker": clean.speakers,
                "truth": clean.truth,
                "fold": np.full(len(clean.truth), number),
                "labels": np.array(run.labels, dtype=str),
                "seconds": np.array(sum(row["seconds"] or 0 for row in run.history())),
                **{channel: answers[channel].probabilities for channel in CHANNELS},
            },
        )
    with np.load(file) as arrays:
        return dict(arrays)


def _folder(out: Path, number: int, folds: int) -> Path:
    return out / f"fold-{number}-of-{folds}"


def _prepare(source: str, folder: Path, number: int, folds: int) -> None:
    """Run `ser data prepare`, which resumes and leaves a finished dataset alone."""
    import subprocess
    import sys

    from data_pipeline.errors import UserError

    if (folder / "dataset.json").exists():
        return
    command = [sys.executable, "-m", "ser", "data", "prepare", source, str(folder), "--split", f"fold:{number}/{folds}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise UserError(done.stderr.strip().removeprefix("error: "))


def _report(parts: "list[dict[str, np.ndarray]]", out: Path, folds: int, json_file: Path | None) -> None:
    import numpy as np

    from benchmarks.report import show
    from training.cross_validation.stored_answers import write_stored

    pooled = {
        key: np.concatenate([part[key] for part in parts]) for key in ("name", "speaker", "truth", "fold", *CHANNELS)
    }
    labels = [str(label) for label in parts[0]["labels"]]
    file = out / "predictions.npz"
    if len(parts) > 1:
        write_stored(file, {**pooled, "labels": parts[0]["labels"]})
    else:
        [number] = np.unique(pooled["fold"])
        file = _folder(out, number, folds) / file.name
    minutes = [float(part["seconds"]) / 60 for part in parts]
    figures = {channel: _metrics(pooled, channel, labels) for channel in CHANNELS}
    rows = [
        (f"{channel}, {title}", (100 * found[key], *(100 * end for end in found[f"{key}_interval"])))
        for channel, found in figures.items()
        for key, title in _METRICS
    ]
    lost = 100 * (figures["clean"]["wa"] - figures["telephone"]["wa"])
    show(
        f"{len(pooled['truth']):,} clips of {len(np.unique(pooled['speaker']))} speakers, each predicted by a model "
        "trained without the speaker; in percent",
        ("", "figure", "from", "to"),
        rows,
        f"WA {figures['clean']['wa']:.1%}, by telephone {abs(lost):.1f} points {'less' if lost > 0 else 'more'}; "
        f"ECE without a temperature {figures['clean']['ece_before']:.1%}; a fold trained for "
        f"{np.mean(minutes):.0f} minutes; predictions: {file}",
        {"folds": len(parts), "minutes": minutes, **figures},
        json_file,
    )


def _metrics(pooled: "dict[str, np.ndarray]", channel: str, labels: list[str]) -> dict[str, Any]:
    """Metrics of a channel over all folds, each fold at the temperature that was fitted on the other folds.

    With a single fold, each speaker is at the temperature that was fitted on the other speakers.
    """
    import numpy as np

    from training.evaluation import metrics
    from training.temperature import cross_fitted

    groups = pooled["fold"]
    if len(np.unique(groups)) == 1:
        groups = np.unique(pooled["speaker"], return_inverse=True)[1]
    answered = cross_fitted(pooled[channel], pooled["truth"], groups)
    found = metrics.compute_metrics(answered, pooled["truth"], pooled["speaker"], labels)
    return {**found, "ece_before": metrics.calibration_error(pooled[channel], pooled["truth"])}


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
