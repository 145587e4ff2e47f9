"""Training wav2vec 2.0 or HuBERT from a checkpoint to a run folder, with named recipes.

| preset | what it is |
| --- | --- |
| `fine-tune` | the encoder learns, lower layers slower; learned mix of layers, attentive statistics |
| `lora` | adapters of rank 8 learn, for a machine with little memory |
| `frozen` | the head alone learns on fixed features: quick, and a lower line for the others |
| `study` | the study's own: 2 s crops, Adam at 1e-5, batch 32, 10 epochs, dropout 0.5, mean of the last layer |
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras

from data_pipeline.augment import AugmentSettings
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.targets import Target
from training.accelerator import PRECISIONS, compiles, leave_to_keras
from training.distributed import Team, keeps_folder, scope
from training.families.stated import with_stated
from training.families.wav2vec2 import HeadSettings, Wav2Vec2Classifier, Wav2Vec2Settings, load_state
from training.families.wav2vec2.learning import learning_rate_scales
from training.fitting.fit import Epoch, FitSettings, Observer, fit
from training.fitting.training_data import describe_learning
from training.front_end import WaveformSettings
from training.run.folder import Run

# Spectrogram masks and mixup do not apply to waveforms: the network masks its own frames.
_WAVEFORM_CHANGES = AugmentSettings(band_masks=0, frame_masks=0, mixup=0.0)


@dataclass(frozen=True, slots=True)
class Wav2Vec2Recipe:
    """Everything that decides a training.

    Attributes:
        checkpoint: A name on the Hugging Face hub, or a folder with the same files.
        revision: Of a name: branch, tag or commit; the newest unless given. The run notes the commit.
        architecture: Instead of a checkpoint: the shape of a network that starts from random weights, or a
            `config.json` that describes it.
        head: What stands on the backbone.
        learn: `head`, `encoder`, `all` or `lora`; see `training.families.wav2vec2.learning`.
        lora_rank: Of the adapters.
        layer_decay: Learning rate of an encoder layer over that of the layer above it.
        head_scale: Learning rate of the head over that of the top layer.
        precision: `float32`, `float16` or `bfloat16`.
        rematerialise: Compute layers again for their gradients: less memory for a third more time.
        fit: How it is fitted.
        target: Which labels there are and whose word is learned.
    """

    checkpoint: str | None = None
    revision: str | None = None
    architecture: Wav2Vec2Settings | Path | None = None
    head: HeadSettings = field(default_factory=HeadSettings)
    learn: str = "encoder"
    lora_rank: int = 8
    layer_decay: float = 0.9
    head_scale: float = 10.0
    precision: str = "float32"
    rematerialise: bool = False
    fit: FitSettings = field(
        default_factory=lambda: FitSettings(
            epochs=10, patience=4, batch_size=16, learning_rate=1e-4, augment=_WAVEFORM_CHANGES
        )
    )
    target: Target = field(default_factory=Target)


_FINE_TUNE = Wav2Vec2Recipe()
PRESETS = {
    "fine-tune": _FINE_TUNE,
    "lora": replace(_FINE_TUNE, learn="lora", layer_decay=1.0, fit=replace(_FINE_TUNE.fit, learning_rate=5e-4)),
    "frozen": replace(_FINE_TUNE, learn="head", head_scale=1.0, fit=replace(_FINE_TUNE.fit, learning_rate=1e-3)),
    "study": Wav2Vec2Recipe(
        head=HeadSettings(layers="last", projection=0, pooling="mean", dropout=0.5),
        learn="all",
        layer_decay=1.0,
        head_scale=1.0,
        fit=FitSettings(
            epochs=10,
            patience=10,
            batch_size=32,
            learning_rate=1e-5,
            schedule="constant",
            weight_decay=0.0,
            label_smoothing=0.0,
            crop_seconds=2.0,
            augment=replace(_WAVEFORM_CHANGES, shift=0.0, gain=0.0),
        ),
    ),
}


def train(
    recipe: Wav2Vec2Recipe,
    dataset: Dataset,
    folder: Path,
    observer: Observer | None = None,
    team: Team | None = None,
) -> tuple[Run, Epoch]:
    """Train a classifier on waveforms and leave a run folder.

    Args:
        recipe: What to train and how.
        dataset: A prepared dataset with sides `train` and `validation`.
        folder: The run folder; must not exist, be empty, or hold the same training, interrupted.
        observer: Told of the progress.
        team: Of replicas that learn together; None for a model alone. See `fit`.

    Returns:
        The run, and its best epoch.

    Raises:
        UserError: If the folder is taken, the checkpoint cannot be had or does not fit, the recipe contradicts itself,
            or the data do not suffice (see `describe_training_data` and `fit`).
    """
    leave_to_keras()
    if recipe.precision not in PRECISIONS:
        raise UserError(f"precision must be one of {', '.join(PRECISIONS)}, not {recipe.precision!r}")
    learning = describe_learning(dataset, recipe.fit, WaveformSettings(), recipe.target)
    keras.utils.set_random_seed(recipe.fit.seed)
    with scope(team):
        model, weights = _initial_model(recipe)
    run = Run.create(
        folder,
        {
            "model": {"family": "wav2vec2", **asdict(model.backbone.settings), "head": asdict(recipe.head)},
            "weights": weights,
            "learn": recipe.learn,
            "lora_rank": recipe.lora_rank,
            "layer_decay": recipe.layer_decay,
            "head_scale": recipe.head_scale,
            "precision": recipe.precision,
            "rematerialise": recipe.rematerialise,
            **learning,
        },
        keeps_folder(team),
    )
    with run.discarded_unless_trained():
        scales = learning_rate_scales(model, recipe.layer_decay, recipe.head_scale)
        best = fit(
            model,
            dataset,
            run,
            recipe.fit,
            WaveformSettings(),
            recipe.target,
            observer,
            scales=scales,
            jit_compile=compiles(),
            team=team,
        )
    return run, best


def _initial_model(recipe: Wav2Vec2Recipe) -> tuple[Wav2Vec2Classifier, dict[str, str | None] | None]:
    """The network with its initial weights, and where they come from; None for random ones."""
    if (recipe.checkpoint is None) == (recipe.architecture is None):
        raise UserError("give either a --checkpoint, or an --architecture whose weights are random")
    options: dict[str, Any] = {
        "num_classes": len(recipe.target.labels),
        "head": recipe.head,
        "learn": recipe.learn,
        "lora_rank": recipe.lora_rank,
        "rematerialise": recipe.rematerialise,
        "seed": recipe.fit.seed,
        "dtype": PRECISIONS[recipe.precision],
        "name": "wav2vec2",
    }
    if recipe.architecture is not None:
        if recipe.learn in ("head", "lora"):
            raise UserError(f"--learn {recipe.learn} would keep random weights: give a --checkpoint, or learn all")
        described = recipe.architecture
        shape = described if isinstance(described, Wav2Vec2Settings) else Wav2Vec2Settings.from_file(described)
        return Wav2Vec2Classifier(shape, **options), None
    # Imported late: training from random weights needs neither the hub nor safetensors.
    from training.checkpoint import open_checkpoint

    checkpoint = open_checkpoint(str(recipe.checkpoint), recipe.revision)
    normalised = bool(checkpoint.feature_extractor.get("do_normalize", True))
    model = Wav2Vec2Classifier(Wav2Vec2Settings.from_config(checkpoint.config, normalised), **options)
    load_state(model.backbone, checkpoint.arrays(), checkpoint.source)
    return model, {"checkpoint": checkpoint.source, "revision": checkpoint.revision}


def stated_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration states, by the fields of the recipe; see `families.Family`.

    Raises:
        UserError: If the shape of a network, or where its weights are, is stated wrongly.
    """
    fields = {name: value for name, value in config.items() if name not in ("model", "weights", "front_end")}
    model = {name: value for name, value in (config.get("model") or {}).items() if name != "family"}
    if "head" in model:
        fields["head"] = model.pop("head")
    # A checkpoint brings its own shape.
    if weights := config.get("weights"):
        if not isinstance(weights, Mapping):
            raise UserError(f"weights is {weights!r}: give an object with checkpoint, and revision for one of the hub")
        fields |= weights
    elif model:
        fields["architecture"] = with_stated(Wav2Vec2Settings(), model, "model.")
    return fields
