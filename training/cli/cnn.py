"""The command `ser train cnn`."""

from training.cli import options


def cnn(
    data: options.Data,
    run: options.RunFolder,
    config: options.Config = None,
    training_dtype: options.TrainingDtype = None,
    pooling: options.Pooling = None,
    hidden: options.Hidden = None,
    dropout: options.Dropout = None,
    epochs: options.Epochs = None,
    patience: options.Patience = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    label_smoothing: options.LabelSmoothing = None,
    average: options.Average = None,
    mixup: options.Mixup = None,
    speed: options.Speed = None,
    telephone: options.Telephone = None,
    labels: options.Labels = None,
    emotions: options.Emotions = None,
    seed: options.Seed = None,
    jit: options.Jit = None,
    strategy: options.Strategy = "none",
) -> None:
    """Train a small convolutional network from random weights, as a lower line to compare with.

    Keeps the weights of the epoch with the best unweighted accuracy (UA) on the validation speakers.

    Example: `ser train cnn out/data out/cnn`
    """
    from dataclasses import replace

    from training.cli.training_command import run_training
    from training.families.cnn.recipe import train

    given = options.given
    known = options.recipe_to_start_from("cnn", None, config)
    recipe = replace(
        known,
        model=replace(
            known.model, **given(training_dtype=training_dtype, pooling=pooling, hidden=hidden, dropout=dropout)
        ),
        fit=replace(
            known.fit,
            augment=replace(known.fit.augment, **given(mixup=mixup, speed=speed, telephone=telephone)),
            **given(
                epochs=epochs,
                patience=patience,
                batch_size=batch_size,
                learning_rate=learning_rate,
                label_smoothing=label_smoothing,
                average=average,
                seed=seed,
                jit=jit,
            ),
        ),
        target=replace(known.target, **given(kind=labels, labels=options.emotion_names(emotions))),
    )
    run_training(train, recipe, data, run, strategy)
