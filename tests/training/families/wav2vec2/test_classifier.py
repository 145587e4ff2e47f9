import keras
import numpy as np
import pytest
from keras import ops

from data_pipeline.errors import UserError
from tests.training.families.wav2vec2.small import SMALL
from training.families.transformer.head_settings import HeadSettings
from training.families.transformer.learning import learning_rate_scales
from training.families.wav2vec2.backbone import Wav2Vec2Backbone
from training.families.wav2vec2.classifier import Wav2Vec2Classifier
from training.families.wav2vec2.settings import Wav2Vec2Settings

STABLE = {**SMALL, "do_stable_layer_norm": True, "feat_extract_norm": "layer"}
HEADS = [HeadSettings(), HeadSettings("last", 0, "mean", 0.0), HeadSettings("weighted", 16, "mean")]


def classifier(config=SMALL, **options):
    keras.utils.set_random_seed(3)
    model = Wav2Vec2Classifier(Wav2Vec2Settings.from_config(config), 6, **options)
    rng = np.random.default_rng(5)
    # Fresh norms and mixes are all alike, which would hide whether one is in its place.
    for weight in model.weights:
        weight.assign(ops.convert_to_numpy(weight) + rng.normal(scale=0.05, size=weight.shape))
    return model


def clips(*lengths, seed=0):
    rng = np.random.default_rng(seed)
    waveform = np.zeros((len(lengths), max(lengths)), "float32")
    for row, length in zip(waveform, lengths, strict=True):
        row[:length] = rng.normal(scale=0.1, size=length)
    return {"waveform": waveform, "num_samples": np.array(lengths, "int32")}


def answers(model, inputs):
    return ops.convert_to_numpy(model(inputs, training=False))


@pytest.mark.parametrize("head", HEADS, ids=str)
@pytest.mark.parametrize("config", [SMALL, STABLE], ids=["post-norm", "pre-norm"])
def test_a_clip_is_answered_the_same_alone_and_in_any_batch(config, head):
    model = classifier(config, head=head)
    batch = clips(12_000, 5_000, 800, 399, 1)
    together = answers(model, batch)
    batch["waveform"][1:, 5_000:] = np.nan
    batch["waveform"][4, 1:] = 1e30
    np.testing.assert_allclose(answers(model, batch), together, atol=1e-5)
    for row, length in enumerate(batch["num_samples"]):
        alone = {"waveform": batch["waveform"][row : row + 1, :length], "num_samples": np.array([length], "int32")}
        np.testing.assert_allclose(answers(model, alone)[0], together[row], atol=1e-4)
    np.testing.assert_allclose(together.sum(1), 1.0, atol=1e-5)


def test_the_head_receives_all_layers_or_only_the_last_one():
    model, batch = classifier(STABLE, head=HeadSettings("last", 0, "mean", 0.0)), clips(8_000)
    frames = ops.convert_to_numpy(model.backbone(batch)["last_hidden_state"])
    expected = ops.convert_to_numpy(model.emotion(frames.mean(1)))
    np.testing.assert_allclose(answers(model, batch), expected, atol=1e-5)
    mixed = classifier(STABLE, head=HeadSettings("weighted", 0, "mean", 0.0))
    before = answers(mixed, batch)
    for index in range(3):
        mixed.layer_mix.scores.assign(5.0 * np.eye(3, dtype="float32")[index])
        assert np.abs(answers(mixed, batch) - before).max() > 1e-5


def test_statistics_weigh_frames_by_attention():
    model, batch = classifier(), clips(8_000)
    weights = model.pooling.weights
    weights[-1].assign(np.zeros(weights[-1].shape))
    frames = np.random.default_rng(0).normal(size=(1, 20, 256)).astype("float32")
    pooled = ops.convert_to_numpy(model.pooling(frames, np.arange(20)[None] < 15))
    np.testing.assert_allclose(pooled[0, :256], frames[0, :15].mean(0), atol=1e-5)
    np.testing.assert_allclose(pooled[0, 256:], frames[0, :15].std(0), atol=1e-4)
    assert np.isfinite(answers(model, batch)).all()


@pytest.mark.parametrize(
    ("learn", "in_encoder", "in_convolutions"),
    [("head", 0, 0), ("encoder", 2 * 16, 0), ("all", 2 * 16, 7 + 2), ("lora", 2 * 4, 0)],
)
def test_only_what_was_asked_for_learns(learn, in_encoder, in_convolutions):
    model = classifier(learn=learn, lora_rank=2)
    learning = {id(weight) for weight in model.trainable_variables}
    layers = [weight for layer in model.backbone.encoder_layers for weight in layer.weights]
    assert sum(id(weight) in learning for weight in layers) == in_encoder
    assert sum(id(weight) in learning for weight in model.backbone.feature_encoder.weights) == in_convolutions
    assert {id(model.emotion.kernel), id(model.emotion.bias), id(model.layer_mix.scores)} <= learning


def test_lower_layers_learn_more_slowly():
    model = classifier(learn="all")
    scales = dict(zip((id(v) for v in model.trainable_variables), learning_rate_scales(model, 0.5, 4.0), strict=True))
    bottom, top = model.backbone.encoder_layers
    assert scales[id(top.attention.query.kernel)] == 1.0
    assert scales[id(bottom.attention.query.kernel)] == 0.5
    assert scales[id(model.backbone.feature_projection.projection.kernel)] == 0.25
    assert scales[id(model.emotion.kernel)] == scales[id(model.layer_mix.scores)] == 4.0


def test_adapters_begin_without_effect_and_are_merged_for_serving():
    batch = clips(8_000, 3_000)
    plain, adapted = classifier(), classifier(learn="lora", lora_rank=2)
    assert np.abs(answers(adapted, batch) - answers(plain, batch)).max() > 1e-6
    for layer in adapted.backbone.encoder_layers:
        for dense in (layer.attention.query, layer.attention.value):
            dense.lora_kernel_b.assign(np.zeros(dense.lora_kernel_b.shape))
    without = answers(adapted, batch)
    layer.attention.query.lora_kernel_b.assign(np.ones(dense.lora_kernel_b.shape))
    assert np.abs(answers(adapted, batch) - without).max() > 1e-6
    served = adapted.for_serving()
    np.testing.assert_allclose(answers(served, batch), answers(adapted, batch), atol=1e-5)
    assert sum(int(np.prod(weight.shape)) for weight in served.weights) < sum(
        int(np.prod(weight.shape)) for weight in adapted.weights
    )


@pytest.mark.parametrize("config", [SMALL, STABLE], ids=["post-norm", "pre-norm"])
def test_a_bfloat16_copy_answers_nearly_the_same(config):
    model, batch = classifier(config), clips(16_000, 9_000, 400)
    served = model.for_serving("bfloat16")
    np.testing.assert_allclose(answers(served, batch), answers(model, batch), atol=1e-2)
    alone = {"waveform": batch["waveform"][1:2, :9_000], "num_samples": batch["num_samples"][1:2]}
    np.testing.assert_allclose(answers(served, alone)[0], answers(served, batch)[1], atol=1e-2)
    assert {weight.dtype for weight in served.backbone.encoder_layers[0].attention.weights} == {"bfloat16"}


@pytest.mark.parametrize("learn", ["encoder", "lora"])
def test_a_saved_model_answers_as_before(learn, tmp_path):
    model, batch = classifier(learn=learn), clips(8_000, 3_000)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(answers(loaded, batch), answers(model, batch), atol=1e-6)


def test_a_fixed_backbone_is_not_disturbed_while_the_head_learns():
    model, batch = classifier(learn="head", head=HeadSettings(dropout=0.0)), clips(8_000)
    np.testing.assert_allclose(ops.convert_to_numpy(model(batch, training=True)), answers(model, batch), atol=1e-6)


def test_a_checkpoint_gives_the_backbone(tmp_path):
    import json

    from safetensors.numpy import save_file

    from training.families.wav2vec2.state import state_arrays

    keras.utils.set_random_seed(1)
    backbone = Wav2Vec2Backbone(Wav2Vec2Settings.from_config(SMALL))
    save_file(state_arrays(backbone), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    model, batch = Wav2Vec2Classifier.from_pretrained(tmp_path, 4, learn="lora"), clips(8_000)
    np.testing.assert_allclose(
        ops.convert_to_numpy(model.backbone(batch)["last_hidden_state"]),
        ops.convert_to_numpy(backbone(batch)["last_hidden_state"]),
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: HeadSettings(layers="first"), "layers"),
        (lambda: HeadSettings(pooling="max"), "pooling"),
        (lambda: HeadSettings(dropout=1.0), "dropout"),
        (lambda: classifier(learn="nothing"), "learn"),
        (lambda: classifier(learn="lora", lora_rank=0), "rank"),
    ],
)
def test_a_wrong_setting_is_named(make, named):
    with pytest.raises(UserError, match=named):
        make()
