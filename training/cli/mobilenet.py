"""The command `ser train mobilenet`."""

from typing import Annotated

import typer

from training.cli import options


def mobilenet(
    data: options.Data,
    run: options.RunFolder,
    config: options.Config = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="`plain`, unless another is given; `telephone`: for calls, with attentive pooling and averaged "
            "weights; `listeners`: that, also learning what listeners heard; `scratch`: narrow, without weights. What "
            "is given beside it counts more."
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="Initial weights: `none` (which is so unless given), a `yamnet.h5` (AudioSet) or a Keras ImageNet "
            "MobileNet file."
        ),
    ] = None,
    unfreeze: Annotated[
        str | None, typer.Option(help="Which part of the body learns: `none`, `last` (the last block) or `all`.")
    ] = None,
    unfreeze_epochs: Annotated[
        float | None, typer.Option(help="Epochs over which the body begins to learn, top block first.", min=0.0)
    ] = None,
    layer_decay: Annotated[
        float | None, typer.Option(help="Learning rate of a block over that of the one above.", min=0.01, max=1.0)
    ] = None,
    head_scale: Annotated[
        float | None, typer.Option(help="Learning rate of the added layers over that of the top block.", min=0.0)
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(help="Width; given weights bring their own.", min=0.05, max=2.0)
    ] = None,
    training_dtype: options.TrainingDtype = None,
    pooling: options.Pooling = None,
    hidden: options.Hidden = None,
    dropout: options.Dropout = None,
    epochs: options.Epochs = None,
    patience: options.Patience = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    schedule: options.Schedule = None,
    warmup_epochs: options.WarmupEpochs = None,
    weight_decay: options.WeightDecay = None,
    label_smoothing: options.LabelSmoothing = None,
    class_balance: options.ClassBalance = None,
    average: options.Average = None,
    keep: options.Keep = None,
    validate_every: options.ValidateEvery = None,
    crop_seconds: options.CropSeconds = None,
    mixup: options.Mixup = None,
    band_masks: options.BandMasks = None,
    frame_masks: options.FrameMasks = None,
    gain: options.Gain = None,
    shift: options.Shift = None,
    speed: options.Speed = None,
    noise: options.Noise = None,
    noise_folder: options.NoiseFolder = None,
    reverberation: options.Reverberation = None,
    telephone: options.Telephone = None,
    labels: options.Labels = None,
    votes_share: options.VotesShare = None,
    emotions: options.Emotions = None,
    seed: options.Seed = None,
    jit: options.Jit = None,
    strategy: options.Strategy = "none",
) -> None:
    """Train a MobileNet on log-mel spectrograms.

    Keeps the weights of the epoch with the best unweighted accuracy (UA) on the validation speakers, unless told
    otherwise.

    Examples: `ser train mobilenet out/data out/run --weights yamnet.h5`, for calls
    `ser train mobilenet out/data out/run --weights yamnet.h5 --preset telephone`, and with settings from a file
    `ser train mobilenet out/data out/run --config mine.toml --epochs 30`
    """
    from dataclasses import replace
    from pathlib import Path

    from training.cli.training_command import run_training
    from training.families.mobilenet.recipe import train

    given = options.given
    known = options.recipe_to_start_from("mobilenet", preset, config)
    recipe = replace(
        known,
        weights=known.weights if weights is None else None if weights == "none" else Path(weights),
        model=replace(
            known.model,
            **given(alpha=alpha, training_dtype=training_dtype, pooling=pooling, hidden=hidden, dropout=dropout),
        ),
        fit=replace(
            known.fit,
            augment=replace(
                known.fit.augment,
                **given(
                    mixup=mixup,
                    band_masks=band_masks,
                    frame_masks=frame_masks,
                    gain=gain,
                    shift=shift,
                    speed=speed,
                    noise=noise,
                    noise_folder=str(noise_folder) if noise_folder else None,
                    reverberation=reverberation,
                    telephone=telephone,
                ),
            ),
            **given(
                epochs=epochs,
                patience=patience,
                batch_size=batch_size,
                learning_rate=learning_rate,
                schedule=schedule,
                warmup_epochs=warmup_epochs,
                weight_decay=weight_decay,
                label_smoothing=label_smoothing,
                class_balance=class_balance,
                average=average,
                keep=keep,
                validate_every=validate_every,
                crop_seconds=crop_seconds,
                seed=seed,
                jit=jit,
            ),
        ),
        target=replace(
            known.target,
            **given(kind=labels, votes_share=votes_share, labels=options.emotion_names(emotions)),
        ),
        **given(unfreeze=unfreeze, unfreeze_epochs=unfreeze_epochs, layer_decay=layer_decay, head_scale=head_scale),
    )
    run_training(train, recipe, data, run, strategy)
