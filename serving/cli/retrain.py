"""The command `ser retrain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.cli import options

if TYPE_CHECKING:
    from training.promotion.challenger import PromotionResult, PromotionTest

KEPT = 3
"""The exit status where the champion stays; 1 and 2 are those of commands that could not do their work."""


def retrain(
    data: Annotated[
        list[Path], typer.Option("--data", help="New prepared data (`ser data prepare`); once for each dataset.")
    ],
    champion: Annotated[
        Path,
        typer.Option(
            metavar="MODELS/NAME", help="The model in its repository: the version labelled `stable`, else the newest."
        ),
    ],
    output: Annotated[
        Path, typer.Option(help="Folder for data, run and decision; the same command goes on where it stopped.")
    ],
    old: Annotated[
        list[Path] | None,
        typer.Option("--old", help="Old prepared data, once for each; what the champion was trained on unless given."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="The champion's run folder; where its version says it came from unless given.")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel", help="What both hear through, see `ser evaluate`. [default: clean, telephone]"),
    ] = None,
    margin: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="UA by which the challenger must surely be better; 0.01 is a point.")
    ] = 0.01,
    bound: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="UA by which it may be worse for a group of clips or speakers.")
    ] = 0.05,
    confidence: Annotated[float, typer.Option(min=0.5, max=1.0, help="What `surely` means.")] = 0.95,
    server: options.Servers = None,
    timeout: options.Timeout = 300.0,
    tls: options.Encrypt = False,
    ca: options.Ca = None,
    certificate: options.Certificate = None,
    key: options.Key = None,
    server_name: options.ServerName = None,
) -> None:
    """Train a challenger on old and new data, and promote it to canary if it is surely better than the champion.

    It is trained by the champion's recipe. Both are then measured on the same speakers, whom neither knows, through
    the same channels. Better means that its UA is surely more than --margin above the champion's, and more than
    --bound below it for no channel, emotion, sex, age or other group of five speakers or more. On few speakers the
    answer may be that nobody can tell; how large a difference these could have told is always said.

    A better challenger becomes the next version in the repository, labelled `canary`; `ser promote` makes it `stable`,
    `ser rollback` takes it back. OUTPUT/decision.json and decision.html hold the decision and its figures.

    The exit status is 0 if the challenger was promoted, 3 if the champion stays, and another if something failed.

    Example: `ser retrain --data out/june --champion models/ser --output out/retraining-june`
    """
    from data_pipeline.dataset import Dataset
    from data_pipeline.errors import UserError
    from data_pipeline.storage.claimed_folder import claimed
    from serving.promotion.canary import publish
    from serving.promotion.champion import find
    from training.promotion.challenger import PromotionTest
    from training.promotion.decision_files import write_decision
    from training.promotion.rule import PromotionOutcome, PromotionRule

    followers = options.followers(server, timeout, options.tls_of(tls, ca, certificate, key, server_name))
    reigning = find(champion, run)
    if reigning.run.folder.resolve() == (output / "run").resolve():
        raise UserError(f"the champion is the run of {output} itself: choose another --output")
    former = old or [Path(reigning.run.config["data"]["folder"])]
    test = PromotionTest(
        champion=reigning.run,
        old=tuple(map(Dataset.open, former)),
        new=tuple(map(Dataset.open, data)),
        measured_speakers=reigning.speakers,
        channels=tuple(channel or ("clean", "telephone")),
        rule=PromotionRule(margin=margin, bound=bound, confidence=confidence),
    )
    with claimed(output):
        result = _run_test(test, output)
        page = write_decision(test, result, output, {})
        for reason in result.decision.reasons:
            typer.echo(reason)
        typer.echo(f"outcome: {result.decision.outcome}\ndecision: {page}")
        if result.decision.outcome is not PromotionOutcome.BETTER:
            typer.echo(f"kept: version {reigning.version} of {champion}")
            raise typer.Exit(KEPT)
        version = publish(champion, reigning, result, followers)
        write_decision(test, result, output, {"version": f"{champion}/{version}", "label": "canary"})
    typer.echo(f"promoted: version {version} of {champion} is the canary\nnext: ser promote {champion}")


def _run_test(test: "PromotionTest", output: Path) -> "PromotionResult":
    from training.families.registry import recipe_of
    from training.fitting.progress import ProgressBars, clip_bar
    from training.promotion.challenger import measure_models, num_predictions, train_challenger
    from training.promotion.combined_data import combine_data

    dataset = combine_data(test, output / "data")
    for name, side in dataset.splits.items():
        typer.echo(f"{name}: {side.clips:,} clips of {len(side.speakers):,} speakers")
    with ProgressBars(recipe_of(test.champion.config).fit.epochs) as bars:
        challenger = train_challenger(test, dataset, output / "run", bars)
    with clip_bar("measuring champion and challenger", num_predictions(test, dataset)) as advance:
        return measure_models(test, challenger, dataset, advance)
