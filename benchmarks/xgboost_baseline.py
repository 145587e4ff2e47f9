"""Classical classifiers on statistics of a clip, as in the study and as good as they can be; scored by speaker."""

import importlib.util
import itertools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_pipeline.errors import UserError
from data_pipeline.pages import interval
from data_pipeline.storage.atomic_file import write_text

if TYPE_CHECKING:
    from benchmarks.baseline.experiment import ClassifierResult, Experiment
    from data_pipeline.dataset import Dataset


def main(
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    features: Annotated[
        str, typer.Option(help="`study`, `functionals`, `sequence` or `functionals+sequence`.")
    ] = "functionals",
    split: Annotated[
        str,
        typer.Option(
            help="`validation`, `test` (fitted on the training split), `cross-validation` (5 folds by speaker, without "
            "the test split) or `leave-one-speaker-out`."
        ),
    ] = "validation",
    classifiers: Annotated[
        str, typer.Option(help="Names, separated by commas. Defaults to all classifiers for the features.")
    ] = "",
    device: Annotated[str, typer.Option(help="Device of XGBoost: `cpu` or `cuda`.")] = "cpu",
    out: Annotated[Path, typer.Option(help="Folder for the page, and for features and fits that are kept.")] = Path(
        "out/baseline"
    ),
    save: Annotated[
        Path | None,
        typer.Option(
            help="New folder to save fitted classifiers in: fitted on the training split, or with the last two ways of "
            "splitting on all speakers of their folds."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of folds and classifiers.", min=0)] = 0,
    workers: Annotated[
        int | None,
        typer.Option(help="Number of processes that extract features. Defaults to one for each core.", min=1),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Fit classifiers and their ensemble, and score them on speakers that they were not fitted on.

    Settings and the weights of the ensemble are chosen on folds of the fitting speakers. Features and finished fits are
    kept in OUT, and the same command resumes an interrupted one. The predictions of each classifier are written to
    OUT/FEATURES-SPLIT.npz: `name`, `speaker`, `truth`, `labels`, and probabilities [clips, classes] by classifier.

    The claim, in `docs/baseline.md`: how often classical classifiers are right, which a deep model has to surpass.

    Example: `python -m benchmarks.xgboost_baseline out/data --split cross-validation`
    """
    # Threads that wait for others by spinning would take the cores from other work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _check_installed()
    from benchmarks.baseline.experiment import cached_fits, fit_all, run
    from benchmarks.baseline.saved_baseline import check_free
    from benchmarks.baseline.xgboost_classifier import check_device
    from data_pipeline.dataset import Dataset
    from data_pipeline.storage.claimed_folder import claimed

    check_device(device)
    if save:
        check_free(save)
    dataset = Dataset.open(data)
    with claimed(out):
        experiment = _experiment(dataset, features, split, classifiers, device, seed, out / "cache", workers)
        rounds = len(experiment.folds()) + bool(save)
        with _progress("fitting", "fits") as report:
            fit_fold = cached_fits(experiment, out / "cache", _counter(report, rounds * len(experiment.candidates)))
            results = run(experiment, fit_fold)
            fitted = fit_all(experiment, fit_fold) if save else None
        page, answers = out / f"{features}-{split}.html", out / f"{features}-{split}.npz"
        _write_page(page, experiment, dataset, features, results)
        _write_answers(answers, experiment, results)
    _print(experiment, features, results, _notices(dataset))
    typer.echo(f"written: {page}")
    typer.echo(f"written: {answers}")
    if fitted and save:
        fitted.save(save)
        typer.echo(f"written: {save}")
    if json_file:
        write_text(json_file, json.dumps(_figures(experiment, dataset, features, results), indent=2) + "\n")
        typer.echo(f"written: {json_file}")


def _check_installed() -> None:
    for module in ("sklearn", "xgboost", "skops"):
        if importlib.util.find_spec(module) is None:
            raise UserError(f"the baseline needs {module}, which is not installed: run pip install '.[benchmarks]'")


def _experiment(
    dataset: "Dataset",
    features: str,
    split: str,
    classifiers: str,
    device: str,
    seed: int,
    cache: Path,
    workers: int | None,
) -> "Experiment":
    """Check the options, and extract the features."""
    from benchmarks.baseline.classifiers import FitOptions
    from benchmarks.baseline.experiment import FEATURES, SETS, Experiment, candidates_for
    from benchmarks.baseline.folds import check_split
    from data_pipeline.statistics import feature_table

    if features not in FEATURES:
        raise UserError(f"--features {features}: choose one of {', '.join(FEATURES)}")
    check_split(split, dataset.splits)
    chosen = candidates_for(features, [name.strip() for name in classifiers.split(",") if name.strip()])
    tables = {}
    for name in FEATURES[features]:
        with _progress(f"{name} features", "clips") as report:
            tables[name] = feature_table(dataset, SETS[name], cache, workers, report)
    return Experiment(
        tables, dataset.emotions, dataset.fingerprint, chosen, split, FitOptions(seed, device, brief=False)
    )


@contextmanager
def _progress(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Yields a function to call with the number of finished items and the number of all items."""
    from data_pipeline.cli.terminal import clip_progress

    with clip_progress(unit) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _counter(report: Callable[[int, int], None], total: int) -> Callable[[], None]:
    numbers = itertools.count(1)
    report(0, total)
    return lambda: report(next(numbers), total)


def _write_page(
    path: Path, experiment: "Experiment", dataset: "Dataset", features: str, results: "dict[str, ClassifierResult]"
) -> None:
    from benchmarks.baseline.baseline_page import baseline_page

    facts = [
        ("data", ", ".join(dataset.corpora)),
        ("clips scored", f"{next(iter(results.values())).metrics['clips']:,}"),
        ("features", ", ".join(f"{name} ({len(table.names):,})" for name, table in experiment.tables.items())),
        ("extraction, a clip and core", _milliseconds(experiment)),
        ("seed", str(experiment.options.seed)),
    ]
    title = f"Baseline: {features} features, {experiment.split}"
    write_text(path, baseline_page(title, facts, _notices(dataset), results, _families(experiment)))


def _write_answers(path: Path, experiment: "Experiment", results: "dict[str, ClassifierResult]") -> None:
    import numpy as np

    from training.cross_validation.stored_answers import write_stored

    scored, clips = experiment.scored(), experiment.clips
    write_stored(
        path,
        {
            "name": experiment.table.clips[scored],
            "speaker": clips.speakers[scored],
            "truth": clips.truth[scored],
            "labels": np.array(experiment.labels),
            **{name: result.answers for name, result in results.items()},
        },
    )


def _families(experiment: "Experiment") -> tuple[str, ...]:
    """The family of each feature that XGBoost is fitted on."""
    return next(iter(experiment.tables.values())).families


def _milliseconds(experiment: "Experiment") -> str:
    return ", ".join(f"{1_000 * table.seconds_per_clip:.1f} ms" for table in experiment.tables.values())


def _notices(dataset: "Dataset") -> list[str]:
    notices = []
    if dataset.synthetic:
        notices.append("This speech is made by a machine: the figures say nothing about real voices.")
    if dataset.speakers_unknown:
        notices.append(
            f"The speakers of {dataset.speakers_unknown:,} clips are not known. Each of these clips counts as a "
            "speaker of its own, so the same person may be fitted on and scored, and the figures are too optimistic."
        )
    return notices


def _print(experiment: "Experiment", features: str, results: "dict[str, ClassifierResult]", notices: list[str]) -> None:
    from rich import box
    from rich.table import Table

    from benchmarks.baseline.baseline_page import METRICS
    from benchmarks.report import console

    metrics = next(iter(results.values())).metrics
    title = f"{features}, {experiment.split}: {metrics['clips']:,} clips of {metrics['speakers']} speakers"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("classifier")
    for _, heading in METRICS:
        table.add_column(heading, justify="right")
    table.add_column("fit, CPU s", justify="right")
    for name, result in results.items():
        table.add_row(name, *(_with_interval(result.metrics, key) for key, _ in METRICS), f"{result.seconds:.1f}")
    console().print(table)
    typer.echo(f"extraction, a clip and core: {_milliseconds(experiment)}; 95 % intervals by bootstrap over speakers")
    for notice in notices:
        typer.echo(f"note: {notice}")


def _with_interval(metrics: dict[str, Any], key: str) -> str:
    return f"{metrics[key]:.1%} {interval(metrics[f'{key}_interval'], metrics['speakers'])}"


def _figures(
    experiment: "Experiment", dataset: "Dataset", features: str, results: "dict[str, ClassifierResult]"
) -> dict[str, Any]:
    """The content of the `--json` file; a classifier's metrics are under the name of the split and under `split`."""
    from benchmarks.baseline.baseline_page import family_shares

    classifiers = {}
    for name, result in results.items():
        figures = result.metrics | {"fit_cpu_seconds": result.seconds, "settings": list(result.settings)}
        if result.weights:
            figures["weights"] = result.weights
        if len(result.gains):
            figures["importance"] = family_shares(result.gains, _families(experiment))
        classifiers[name] = {experiment.split: figures, "split": figures}
    return {
        "data": {"corpora": list(dataset.corpora), "fingerprint": dataset.fingerprint, "synthetic": dataset.synthetic},
        "features": features,
        "split": experiment.split,
        "device": experiment.options.device,
        "seed": experiment.options.seed,
        "extraction_seconds_per_clip": {name: table.seconds_per_clip for name, table in experiment.tables.items()},
        "classifiers": classifiers,
    }


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
