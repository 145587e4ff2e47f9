"""The command `ser train functionals`."""

from typing import Annotated

import typer

from training.cli import options


def functionals(
    data: options.Data,
    run: options.RunFolder,
    config: options.Config = None,
    hidden: Annotated[int | None, typer.Option(help="Units of the hidden layer.", min=1)] = None,
    dropout: Annotated[
        float | None, typer.Option(help="Rate of functionals, and of hidden units.", min=0.0, max=0.95)
    ] = None,
    epochs: options.Epochs = None,
    patience: options.Patience = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    weight_decay: options.WeightDecay = None,
    label_smoothing: options.LabelSmoothing = None,
    keep: options.Keep = None,
    mixup: options.Mixup = None,
    gain: options.Gain = None,
    speed: options.Speed = None,
    noise: options.Noise = None,
    telephone: options.Telephone = None,
    labels: options.Labels = None,
    votes_share: options.VotesShare = None,
    emotions: options.Emotions = None,
    seed: options.Seed = None,
    jit: options.Jit = None,
    strategy: options.Strategy = "none",
) -> None:
    """Train a small network on statistics of log-mels over time, as a member of an ensemble with a MobileNet.

    Keeps the weights of the epoch with the best unweighted accuracy (UA) on the validation speakers.

    Example: `ser train functionals out/data out/functionals`, and then
    `ser ensemble out/mobilenet out/functionals --output out/ensemble`
    """
    from dataclasses import replace

    from training.cli.training_command import run_training
    from training.families.functionals.recipe import train

    given = options.given
    known = options.recipe_to_start_from("functionals", None, config)
    recipe = replace(
        known,
        model=replace(known.model, **given(hidden=hidden, dropout=dropout)),
        fit=replace(
            known.fit,
            augment=replace(
                known.fit.augment, **given(mixup=mixup, gain=gain, speed=speed, noise=noise, telephone=telephone)
            ),
            **given(
                epochs=epochs,
                patience=patience,
                batch_size=batch_size,
                learning_rate=learning_rate,
                weight_decay=weight_decay,
                label_smoothing=label_smoothing,
                keep=keep,
                seed=seed,
                jit=jit,
            ),
        ),
        target=replace(
            known.target,
            **given(kind=labels, votes_share=votes_share, labels=options.emotion_names(emotions)),
        ),
    )
    run_training(train, recipe, data, run, strategy)
