"""The command `ser retrain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.cli import options

if TYPE_CHECKING:
    from training.promotion.challenger import PromotionResult, PromotionTest

KEPT = 3
"""Exit status if the champion stays. Statuses 1 and 2 mean that the command failed."""


def retrain(
    data: Annotated[
        list[Path],
        typer.Option("--data", help="New prepared data (`ser data prepare`); repeat the option for several datasets."),
    ],
    champion: Annotated[
        Path,
        typer.Option(
            metavar="MODELS/NAME",
            help="The model in its repository: the version labelled `stable`, or else the newest version.",
        ),
    ],
    output: Annotated[
        Path, typer.Option(help="Folder for data, run and decision; the same command continues an interrupted one.")
    ],
    old: Annotated[
        list[Path] | None,
        typer.Option(
            "--old",
            help="Old prepared data; repeat the option for several datasets. [default: the champion's training data]",
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="The champion's run folder. [default: the one that the version's provenance names]"),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            "--channel", help="Channels on which both are measured, see `ser evaluate`. [default: clean, telephone]"
        ),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, help="The challenger's UA must surely be higher by more than this; 0.01 is one point."
        ),
    ] = 0.01,
    bound: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, help="The challenger's UA may be lower by this for a group of clips or speakers."
        ),
    ] = 0.05,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=1.0, help="Confidence level that `surely` stands for.")
    ] = 0.95,
    server: options.Addresses = None,
    timeout: options.Timeout = 300.0,
    tls: options.Encrypt = False,
    ca: options.Ca = None,
    certificate: options.Certificate = None,
    key: options.Key = None,
    server_name: options.ServerName = None,
) -> None:
    """Train a challenger on old and new data, and promote it to canary if it is surely better than the champion.

    The challenger is trained with the champion's recipe. Both models are then measured on the same speakers, on whom
    neither was trained, and on the same channels. The challenger is better if its UA is surely more than --margin above
    the champion's, and not more than --bound below it for any channel, emotion, sex, age band or other group of five
    speakers or more. With few speakers, the result may be that they cannot tell; the smallest detectable difference is
    always stated.

    A better challenger becomes the next version in the repository, labelled `canary`; `ser promote` makes it `stable`,
    `ser rollback` withdraws it. OUTPUT/decision.json and decision.html hold the decision and its figures.

    The exit status is 0 if the challenger was promoted, 3 if the champion stays, and another number after a failure.

    Example: `ser retrain --data out/june --champion models/ser --output out/retraining-june`
    """
    from data_pipeline.dataset import Dataset
    from data_pipeline.errors import UserError
    from data_pipeline.storage.claimed_folder import claimed
    from serving.promotion.champion import find_champion, publish_canary
    from training.accelerator import require_tensorflow
    from training.promotion.challenger import PromotionTest
    from training.promotion.decision_files import write_decision
    from training.promotion.rule import PromotionOutcome, PromotionRule

    # Before hours of training, not after them.
    require_tensorflow("an export")
    servers = options.servers_of(server, timeout, options.tls_of(tls, ca, certificate, key, server_name))
    found = find_champion(champion, run)
    if found.run.folder.resolve() == (output / "run").resolve():
        raise UserError(f"the champion is the run of {output} itself: choose another --output")
    test = PromotionTest(
        champion=found.run,
        old=tuple(map(Dataset.open, old or [Path(found.run.config["data"]["folder"])])),
        new=tuple(map(Dataset.open, data)),
        measured_speakers=found.speakers,
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
            typer.echo(f"kept: version {found.version} of {champion}")
            raise typer.Exit(KEPT)
        version = publish_canary(champion, found, result, servers)
        write_decision(test, result, output, {"version": f"{champion}/{version}", "label": "canary"})
    typer.echo(f"promoted: version {version} of {champion} is the canary\nnext: ser promote {champion}")


def _run_test(test: "PromotionTest", output: Path) -> "PromotionResult":
    from training.families.registry import recipe_of
    from training.fitting.progress import ProgressBars, clip_bar
    from training.promotion.challenger import measure_models, num_predictions, train_challenger
    from training.promotion.combined_data import combine_data

    dataset = combine_data(test, output / "data")
    for name, split in dataset.splits.items():
        typer.echo(f"{name}: {split.clips:,} clips of {len(split.speakers):,} speakers")
    with ProgressBars(recipe_of(test.champion.config).fit.epochs) as bars:
        challenger = train_challenger(test, dataset, output / "run", bars)
    with clip_bar("measuring champion and challenger", num_predictions(test, dataset)) as advance:
        return measure_models(test, challenger, dataset, advance)
