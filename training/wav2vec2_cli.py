"""The command `ser train wav2vec2`."""

from pathlib import Path
from typing import Annotated, Any

import typer


def wav2vec2(
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    run: Annotated[
        Path,
        typer.Argument(help="The run folder to write; the same command goes on where an interrupted one stopped."),
    ],
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
        str,
        typer.Option(
            help="`fine-tune`; `lora`: adapters only; `frozen`: the head only; `study`: 2 s crops, Adam at 1e-5, batch "
            "32, 10 epochs, dropout 0.5. What is given beside it counts more."
        ),
    ] = "fine-tune",
    learn: Annotated[
        str | None,
        typer.Option(help="Which weights learn: `head`, `encoder` (all but the convolutions), `all` or `lora`."),
    ] = None,
    lora_rank: Annotated[int | None, typer.Option(help="Rank of the adapters.", min=1)] = None,
    layers: Annotated[
        str | None, typer.Option(help="What the head hears: `weighted` (a mix of all layers) or `last`.")
    ] = None,
    pooling: Annotated[str | None, typer.Option(help="Over time: `attentive` (statistics) or `mean`.")] = None,
    projection: Annotated[int | None, typer.Option(help="Units of a layer before pooling; 0 for none.", min=0)] = None,
    dropout: Annotated[float | None, typer.Option(help="Rate before the last layer.", min=0.0, max=0.95)] = None,
    layer_decay: Annotated[
        float | None, typer.Option(help="Learning rate of a layer over that of the one above.", min=0.01, max=1.0)
    ] = None,
    head_scale: Annotated[
        float | None, typer.Option(help="Learning rate of the head over that of the top layer.", min=0.0)
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training clips at most.", min=1)] = None,
    patience: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without a better validation UA.", min=1)
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Clips a step.", min=1)] = None,
    accumulate: Annotated[
        int | None, typer.Option(help="Steps whose gradients are averaged for one change of the weights.", min=1)
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak, of the top layer.", min=0.0)] = None,
    crop_seconds: Annotated[float | None, typer.Option(help="At most so much of a clip a step.", min=0.1)] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(help="Share of a label spread over all.", min=0.0, max=0.9)
    ] = None,
    telephone: Annotated[
        float | None, typer.Option(help="Share of clips that go through a telephone channel.", min=0.0, max=1.0)
    ] = None,
    noise: Annotated[
        float | None, typer.Option(help="Share of clips that noise is added to.", min=0.0, max=1.0)
    ] = None,
    speed: Annotated[
        float | None, typer.Option(help="Share of clips played up to 10 % faster or slower.", min=0.0, max=1.0)
    ] = None,
    precision: Annotated[
        str, typer.Option(help="Of products: `float32`, `bfloat16` or `float16`. Weights stay float32.")
    ] = "float32",
    rematerialise: Annotated[
        bool, typer.Option(help="Compute layers again for their gradients: less memory, a third more time.")
    ] = False,
    labels: Annotated[
        str, typer.Option(help="Whose word is learned: `acted`, `voted` or `soft`; see `ser train mobilenet --help`.")
    ] = "acted",
    emotions: Annotated[
        str | None, typer.Option(help="Emotions to tell apart, separated by commas; CREMA-D's six unless given.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of initial weights, order, dropout, masks and augmentation.", min=0)] = 0,
) -> None:
    """Fine-tune wav2vec 2.0 or HuBERT on raw waveforms.

    Keeps the weights of the epoch with the best unweighted accuracy (UA) on the validation speakers. Base models want
    a GPU: on two cores an epoch of CREMA-D takes more than an hour.

    Examples: `ser train wav2vec2 out/data out/run --checkpoint facebook/wav2vec2-base`, without a network
    `ser train wav2vec2 out/data out/run --checkpoint ~/models/wav2vec2-base --preset lora`, and as the study did it
    `ser train wav2vec2 out/data out/run --checkpoint facebook/wav2vec2-base --preset study`
    """
    from dataclasses import replace

    from data_pipeline.dataset import Dataset
    from data_pipeline.emotion import LABELS
    from data_pipeline.errors import UserError
    from data_pipeline.targets import Target
    from training.progress import ProgressBars
    from training.wav2vec2_recipe import PRESETS, train

    if preset not in PRESETS:
        raise UserError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}")
    known = PRESETS[preset]
    recipe = replace(
        known,
        checkpoint=checkpoint,
        revision=revision,
        architecture=architecture,
        precision=precision,
        rematerialise=rematerialise,
        head=replace(known.head, **_given(layers=layers, pooling=pooling, projection=projection, dropout=dropout)),
        fit=replace(
            known.fit,
            seed=seed,
            augment=replace(known.fit.augment, **_given(telephone=telephone, noise=noise, speed=speed)),
            **_given(
                epochs=epochs,
                patience=patience,
                batch_size=batch_size,
                accumulate=accumulate,
                learning_rate=learning_rate,
                crop_seconds=crop_seconds,
                label_smoothing=label_smoothing,
            ),
        ),
        target=Target(tuple(word.strip() for word in emotions.split(",")) if emotions is not None else LABELS, labels),
        **_given(learn=learn, lora_rank=lora_rank, layer_decay=layer_decay, head_scale=head_scale),
    )
    dataset = Dataset.open(data)
    with ProgressBars(recipe.fit.epochs) as bars:
        trained, best = train(recipe, dataset, run, bars)
    typer.echo(
        f"best epoch {best.epoch}: validation WA {best.validation_wa:.1%}, UA {best.validation_ua:.1%}\n"
        f"run folder: {trained.folder}\n"
        f"next: ser evaluate {trained.folder} {data}"
    )


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}
