"""The command `ser train wav2vec2`."""

from pathlib import Path
from typing import Annotated

import typer

from training.cli import options


def wav2vec2(
    data: options.Data,
    run: options.RunFolder,
    config: options.Config = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(help="A wav2vec 2.0 or HuBERT checkpoint: a name on the Hugging Face hub, or a folder."),
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of a name on the hub.")] = None,
    architecture: Annotated[
        Path | None,
        typer.Option(help="Instead of a checkpoint: a `config.json`; its network starts from random weights."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="`fine-tune`, unless another is given; `lora`: adapters only; `frozen`: the head only; `study`: 2 s "
            "crops, Adam at 1e-5, batch 32, 10 epochs, dropout 0.5. What is given beside it counts more."
        ),
    ] = None,
    learn: Annotated[
        str | None,
        typer.Option(help="Which weights learn: `head`, `encoder` (all but the convolutions), `all` or `lora`."),
    ] = None,
    lora_rank: Annotated[int | None, typer.Option(help="Rank of the adapters.", min=1)] = None,
    layers: Annotated[
        str | None, typer.Option(help="What the head hears: `weighted` (a mix of all layers) or `last`.")
    ] = None,
    pooling: options.Pooling = None,
    projection: Annotated[int | None, typer.Option(help="Units of a layer before pooling; 0 for none.", min=0)] = None,
    dropout: options.Dropout = None,
    layer_decay: Annotated[
        float | None, typer.Option(help="Learning rate of a layer over that of the one above.", min=0.01, max=1.0)
    ] = None,
    head_scale: Annotated[
        float | None, typer.Option(help="Learning rate of the head over that of the top layer.", min=0.0)
    ] = None,
    epochs: options.Epochs = None,
    patience: options.Patience = None,
    batch_size: options.BatchSize = None,
    accumulate: Annotated[
        int | None, typer.Option(help="Steps whose gradients are averaged for one change of the weights.", min=1)
    ] = None,
    learning_rate: options.LearningRate = None,
    crop_seconds: options.CropSeconds = None,
    label_smoothing: options.LabelSmoothing = None,
    telephone: options.Telephone = None,
    noise: options.Noise = None,
    speed: options.Speed = None,
    precision: Annotated[
        str | None, typer.Option(help="Of products: `float32`, `bfloat16` or `float16`. Weights stay float32.")
    ] = None,
    rematerialise: Annotated[
        bool | None, typer.Option(help="Compute layers again for their gradients: less memory, a third more time.")
    ] = None,
    labels: options.Labels = None,
    emotions: options.Emotions = None,
    seed: options.Seed = None,
    jit: options.Jit = None,
    strategy: options.Strategy = "none",
) -> None:
    """Fine-tune wav2vec 2.0 or HuBERT on raw waveforms.

    Keeps the weights of the epoch with the best unweighted accuracy (UA) on the validation speakers. Base models want
    a GPU: on two cores an epoch of CREMA-D takes more than an hour.

    Examples: `ser train wav2vec2 out/data out/run --checkpoint facebook/wav2vec2-base`, without a network
    `ser train wav2vec2 out/data out/run --checkpoint ~/models/wav2vec2-base --preset lora`, and as the study did it
    `ser train wav2vec2 out/data out/run --checkpoint facebook/wav2vec2-base --preset study`
    """
    from dataclasses import replace

    from training.cli.training_command import run_training
    from training.families.wav2vec2.recipe import train

    given = options.given
    known = options.recipe_to_start_from("wav2vec2", preset, config)
    if checkpoint or revision or architecture:
        # Where training starts is one setting: what the file says of it is left aside, not mixed in.
        known = replace(known, checkpoint=checkpoint, revision=revision, architecture=architecture)
    recipe = replace(
        known,
        head=replace(known.head, **given(layers=layers, pooling=pooling, projection=projection, dropout=dropout)),
        fit=replace(
            known.fit,
            augment=replace(known.fit.augment, **given(telephone=telephone, noise=noise, speed=speed)),
            **given(
                epochs=epochs,
                patience=patience,
                batch_size=batch_size,
                accumulate=accumulate,
                learning_rate=learning_rate,
                crop_seconds=crop_seconds,
                label_smoothing=label_smoothing,
                seed=seed,
                jit=jit,
            ),
        ),
        target=replace(known.target, **given(kind=labels, labels=options.emotion_names(emotions))),
        **given(
            precision=precision,
            learn=learn,
            lora_rank=lora_rank,
            layer_decay=layer_decay,
            head_scale=head_scale,
            rematerialise=rematerialise,
        ),
    )
    run_training(train, recipe, data, run, strategy)
