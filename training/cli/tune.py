"""The command `ser tune`."""

from pathlib import Path
from typing import Annotated

import typer

from data_pipeline.command_line.completion import one_of
from training.families.registry import family_named, family_names


def _presets(ctx: typer.Context, incomplete: str) -> list[str]:
    """For the shell: the presets of the family that was typed."""
    # While an option lacks its value, what was typed is not assigned to the arguments.
    model = ctx.params.get("model") or next(iter(ctx.args), None)
    return one_of(lambda: family_named(model).presets if model in family_names() else ())(incomplete)


def tune(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A family of models, as in `ser train MODEL`.", autocompletion=one_of(family_names)
        ),
    ],
    data: Annotated[Path, typer.Argument(help="A prepared dataset; only the speakers of its training split are used.")],
    out: Annotated[
        Path, typer.Argument(help="The folder to write. The same command continues a search that was interrupted.")
    ],
    trials: Annotated[
        int, typer.Option(help="Number of trials, those of an earlier search in the same folder included.", min=1)
    ] = 30,
    folds: Annotated[
        int, typer.Option(help="Number of folds of the cross-validation, which is by speaker.", min=2)
    ] = 3,
    space: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The search space instead of the family's own: a TOML file, as with `[fit.learning_rate]`, "
            '`low = 1e-4`, `high = 1e-2`, `log = true`, and `[model.pooling]`, `choices = ["mean", "attentive"]`.',
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Settings that all trials share, see `ser train MODEL`.", autocompletion=_presets),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings that all trials share: a TOML or JSON file, or a run folder."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Initial weights of all trials: a file, or the name or folder of a checkpoint."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Maximum number of epochs of each training.", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the search and of each training.", min=0)] = None,
    pruning: Annotated[bool, typer.Option(help="Stop trials that fall below the median of the complete ones.")] = True,
) -> None:
    """Search for the best settings of a model by cross-validation.

    The training split of the data is divided into folds by speaker. The speakers of the validation and test splits are
    not used, so that the result of the search can be measured on them. The value of a trial is the UA on a fold's
    speakers, averaged over the folds. Writes `best.json`, which `ser train MODEL --config` reads, `trials.csv` and
    `tuning.html`. Needs Optuna: `pip install '.[tune]'`.

    Examples: `ser tune mobilenet out/data out/tuned --weights yamnet.h5 --trials 40`, and then
    `ser train mobilenet out/data out/run --config out/tuned/best.json`
    """
    from data_pipeline.dataset import Dataset
    from data_pipeline.storage.atomic_file import write_text
    from training.cross_validation.speaker_folds import describe_folds
    from training.families.settings_file import read_settings_file
    from training.tuning.search import Search, run_search
    from training.tuning.search_files import BEST
    from training.tuning.space import fitted_to, parse_space, with_settings
    from training.tuning.terminal import SearchLines
    from training.tuning.trial import Pruning, Trial
    from training.tuning.tuning_page import FILE, tuning_page

    family = family_named(model)
    settings = read_settings_file(config) if config else {}
    if preset:
        settings["preset"] = preset
    # Checked before the flags are added, so that the message names the file.
    family.recipe(settings, source=str(config) if config else "")
    start = family.initial_weights(weights) if weights else None
    given = {"weights": start, "fit.epochs": epochs, "fit.seed": seed}
    settings = with_settings(settings, {name: value for name, value in given.items() if value is not None})
    family.recipe(settings)
    named = parse_space(read_settings_file(space), str(space)) if space else family.space
    what = Search(
        family=family,
        config=settings,
        space=fitted_to(named, family, settings, str(space) if space else f"the space of {model}"),
        dataset=Dataset.open(data),
        folder=out,
        trials=trials,
        folds=folds,
        pruning=Pruning() if pruning else None,
    )
    typer.echo(describe_folds(what.dataset, folds))

    def write_page(found: list[Trial]) -> None:
        write_text(out / FILE, tuning_page(what, found))

    found, best = run_search(what, SearchLines(what, write_page))
    write_page(found)
    typer.echo(
        f"best: trial {best.number} of {len(found)}, UA {best.mean:.1%}\n"
        f"page: {out / FILE}\n"
        f"next: ser train {model} {data} RUN --config {out / BEST}"
    )
