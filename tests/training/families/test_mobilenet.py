from typing import get_args

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.errors import UserError
from training.families.cnn import network as cnn
from training.families.cnn.recipe import CnnSettings
from training.families.family import LearningRates
from training.families.mobilenet import network as mobilenet
from training.families.mobilenet.family import FAMILY
from training.families.mobilenet.fine_tuning import freeze, learning_rates, recalibrate
from training.families.mobilenet.pretrained import PretrainedWeights
from training.families.mobilenet.recipe import Body, MobileNetRecipe, MobileNetSettings
from training.front_end import LogMelFrontEnd
from training.layers.choices import POOLINGS
from training.layers.convolution import MixedConv, PointwiseConv
from training.layers.folding import fold_backbone, fold_batch_norms
from training.layers.fused_batch_norm import FusedBatchNorm
from training.run.recogniser import Recogniser

FRONT_END = LogMelSettings()
BODIES = get_args(Body)
SMALL = MobileNetSettings(alpha=0.125, window_frames=64, hidden=8)


def build(**changes):
    """A small network of random weights that does not answer everything alike: its norms fit its inputs."""
    keras.utils.set_random_seed(1)
    shape = MobileNetSettings(**{"alpha": 0.125, "window_frames": 64, "hidden": 8} | changes)
    return fitted_norms(mobilenet.build(shape, 6, FRONT_END))


def fitted_norms(network):
    backbone = network.get_layer("backbone")
    for norm in norms(backbone):
        norm.momentum = 0.0
    backbone(np.random.default_rng(2).normal(-2, 2, (16, 64, 64, 1)), training=True)
    return network


def norms(backbone):
    return [layer for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization)]


@pytest.fixture(scope="module", params=[*((body, pooling) for body in BODIES for pooling in POOLINGS), "cnn"])
def model(request):
    if request.param == "cnn":
        keras.utils.set_random_seed(1)
        return fitted_norms(cnn.build(CnnSettings((4, 8), window_frames=64, pooling="attentive"), 6, FRONT_END))
    body, pooling = request.param
    return build(body=body, pooling=pooling)


def answer(model, log_mel, num_frames):
    features = {"log_mel": np.asarray(log_mel, np.float32), "num_frames": np.asarray(num_frames, np.int32)}
    return keras.ops.convert_to_numpy(model(features, training=False))


@settings(deadline=None, max_examples=12)
@given(frames=st.integers(1, 200), padding=st.integers(0, 150), seed=st.integers(0, 99))
def test_padding_never_changes_an_answer(model, frames, padding, seed):
    random = np.random.default_rng(seed)
    clip = random.normal(-2, 2, (frames, 64))
    neighbour = random.normal(-2, 2, (frames + padding, 64))
    alone = answer(model, clip[None], [frames])
    junk = np.concatenate([clip, random.normal(0, 1e6, (padding, 64))])
    together = answer(model, [neighbour, junk], [frames + padding, frames])
    # Products round otherwise in another batch, which the norms of a network of random weights amplify: even without
    # any padding answers lay 1.2e-5 apart.
    np.testing.assert_allclose(together[1], alone[0], atol=1e-4)
    np.testing.assert_allclose(alone.sum(), 1, atol=1e-5)


def test_every_window_of_a_long_clip_counts(model):
    clip = np.random.default_rng(0).normal(-2, 2, (1, 128, 64))
    changed = clip.copy()
    changed[:, 100:] += 3
    assert np.abs(answer(model, clip, [128]) - answer(model, changed, [128])).max() > 1e-3


def test_survives_saving(model, tmp_path):
    clip = np.random.default_rng(0).normal(-2, 2, (2, 90, 64))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(answer(loaded, clip, [90, 40]), answer(model, clip, [90, 40]), atol=1e-6)


def test_waveform_past_the_end_never_changes_a_recognisers_answer():
    recogniser = Recogniser(build(), tuple("abcdef"), LogMelFrontEnd(FRONT_END), FAMILY)
    random = np.random.default_rng(0)
    clip = random.normal(0, 0.1, 9_000).astype(np.float32)
    padded = np.concatenate([clip, random.normal(0, 1, 7_000).astype(np.float32)])
    alone = recogniser(clip[None], np.array([9_000])).numpy()
    np.testing.assert_allclose(recogniser(padded[None], np.array([9_000])).numpy(), alone, atol=1e-5)


@pytest.mark.parametrize("body", BODIES)
def test_freezing_decides_what_learns(body):
    names = {}
    for unfreeze in ("none", "last", "all"):
        network = build(body=body)
        freeze(network, unfreeze)
        names[unfreeze] = {variable.path for variable in network.trainable_variables}
    assert {path.split("/")[0] for path in names["none"]} == {"hidden", "emotion"}
    assert names["none"] < names["last"] < names["all"]
    assert len(names["last"]) == 4 + 6
    assert all("layer14_" in path or "_13" in path for path in names["last"] - names["none"])


def test_recalibrated_norms_change_no_answer_but_fit_the_data():
    backbone = build().get_layer("backbone")
    random = np.random.default_rng(0)
    for norm in norms(backbone):
        norm.gamma.assign(random.uniform(0.8, 1.2, norm.gamma.shape))
        norm.beta.assign(random.normal(0, 0.1, norm.beta.shape))
        norm.momentum = 1.0
    batch = random.normal(-2, 2, (16, 64, 64, 1)).astype(np.float32)
    before = keras.ops.convert_to_numpy(backbone(batch, training=False))
    norm_of_batch_before = keras.ops.convert_to_numpy(backbone(batch, training=True))
    assert recalibrate(backbone, [batch[:8], batch[8:]]) == 27
    np.testing.assert_allclose(backbone(batch, training=False), before, rtol=1e-3, atol=1e-4)
    # In training mode a batch's own statistics are used. They are now those that were set, so that norms do the same.
    assert np.abs(norm_of_batch_before - before).mean() > 0.05
    np.testing.assert_allclose(backbone(batch, training=True), before, rtol=1e-2, atol=1e-3)


def test_recalibration_needs_data():
    with pytest.raises(ValueError, match="at least one batch"):
        recalibrate(build().get_layer("backbone"), [])


def test_imagenet_weights_are_loaded_into_the_body(speech_data):
    path = speech_data / "weights" / "mobilenet_2_5_224_tf_no_top.weights.h5"
    weights = PretrainedWeights.recognise(path)
    assert (weights.body, weights.alpha) == ("imagenet", 0.25)
    network = mobilenet.build(weights.settings(SMALL), 6, FRONT_END)
    weights.load_into(network)
    donor = keras.applications.MobileNet((224, 224, 3), 0.25, include_top=False, weights=None)
    donor.load_weights(path)
    pixels = np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    body = keras.Model(network.get_layer("backbone").get_layer("conv1").input, network.get_layer("backbone").output)
    # 64 x 64 pixels shrink to 2 x 2; the donor was built for 224 but its weights do not know.
    same = keras.applications.MobileNet((64, 64, 3), 0.25, include_top=False, weights=None)
    same.set_weights(donor.get_weights())
    np.testing.assert_allclose(body(pixels), same(pixels), atol=1e-4)


def test_audioset_weights_hear_speech_in_speech(speech_data):
    """The released classifier, on top of our body, says 'Speech' (class 0) of a spoken clip."""
    from data_pipeline.audio.decode import decode
    from data_pipeline.audio.log_mel import log_mel

    path = speech_data / "weights" / "yamnet.h5"
    weights = PretrainedWeights.recognise(path)
    assert (weights.body, weights.alpha) == ("audioset", 1.0)
    network = mobilenet.build(weights.settings(MobileNetSettings(window_frames=96)), 6, FRONT_END)
    weights.load_into(network)
    pcm = decode(speech_data / "crema_d" / "AudioMP3" / "1001_IEO_NEU_XX.mp3")
    spectrogram = log_mel(np.asarray(pcm, np.float32) / 32_768, FRONT_END)[None, :96, :, None]
    embedding = np.array(network.get_layer("backbone")(spectrogram, training=False)).mean((1, 2))
    with h5py.File(path) as file:
        logits = embedding @ file["logits/logits/kernel:0"][()] + file["logits/logits/bias:0"][()]
    scores = 1 / (1 + np.exp(-logits[0]))
    assert scores.argmax() == 0
    assert scores[0] > 0.95


def test_wrong_weights_are_named(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        PretrainedWeights.recognise(tmp_path / "missing.h5")
    text = tmp_path / "text.h5"
    text.write_text("not weights")
    with pytest.raises(UserError, match="not an HDF5 file"):
        PretrainedWeights.recognise(text)
    with pytest.raises(UserError, match="not an HDF5 file"):
        PretrainedWeights.recognise(tmp_path)
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["dense/kernel"] = np.zeros((4, 4))
    with pytest.raises(UserError, match="holds no MobileNet"):
        PretrainedWeights.recognise(other)
    other.write_bytes(other.read_bytes()[:600])
    with pytest.raises(UserError, match="damaged or incomplete"):
        PretrainedWeights.recognise(other)
    damaged = tmp_path / "damaged.h5"
    with h5py.File(damaged, "w") as file:
        file["layer1/conv/layer1/conv/kernel:0"] = np.zeros((3, 3, 1, 32), np.float32)
    weights = PretrainedWeights.recognise(damaged)
    with pytest.raises(UserError, match="layer1/conv/bn beta"):
        weights.load_into(mobilenet.build(weights.settings(SMALL), 6, FRONT_END))


def test_an_unknown_body_is_refused():
    with pytest.raises(UserError, match="body is 'resnet': give 'audioset' or 'imagenet'"):
        MobileNetSettings(body="resnet")


def test_an_unknown_pooling_or_dtype_is_refused():
    with pytest.raises(UserError, match="pooling is 'max': give 'mean' or 'attentive'"):
        MobileNetSettings(pooling="max")
    with pytest.raises(UserError, match="pooling is 'max': give 'mean' or 'attentive'"):
        CnnSettings(pooling="max")
    with pytest.raises(UserError, match="training_dtype is 'int8': give 'float32' or 'bfloat16'"):
        MobileNetSettings(training_dtype="int8")
    with pytest.raises(UserError, match="training_dtype is 'int8': give 'float32' or 'bfloat16'"):
        CnnSettings(training_dtype="int8")


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 99), st.integers(2, 6), st.integers(1, 5), st.floats(0.1, 10))
def test_the_fused_norm_does_what_keras_does(seed, batch, size, spread):
    random = np.random.default_rng(seed)
    inputs = random.normal(3, spread, (batch, 3, 4, size)).astype(np.float32)
    gamma, beta = random.uniform(0.5, 2, size), random.normal(size=size)
    norms = FusedBatchNorm(momentum=0.0), keras.layers.BatchNormalization(momentum=0.0)
    for norm in norms:
        norm.build(inputs.shape)
        norm.set_weights([gamma, beta, np.zeros(size), np.ones(size)])
    fused, composed = (keras.ops.convert_to_numpy(norm(inputs, training=True)) for norm in norms)
    np.testing.assert_allclose(fused, composed, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(norms[0].moving_mean, norms[1].moving_mean, rtol=1e-3, atol=1e-3)
    # The sample's variance against that of the values: n - 1 against n.
    count = batch * 3 * 4
    expected = norms[1].moving_variance.numpy() * count / (count - 1)
    np.testing.assert_allclose(norms[0].moving_variance, expected, rtol=1e-3)
    frozen = FusedBatchNorm(trainable=False)
    frozen.build(inputs.shape)
    np.testing.assert_allclose(frozen(inputs, training=True), inputs / np.sqrt(1 + frozen.epsilon), rtol=1e-5)


@pytest.mark.parametrize(("kind", "size"), [(PointwiseConv, 1), (MixedConv, 3)])
def test_products_of_bfloat16_are_for_training_only(kind, size):
    inputs = np.random.default_rng(0).normal(size=(2, 3, 4, 16)).astype(np.float32)
    layer = kind(8, size, padding="same", use_bias=False, training_dtype="bfloat16")
    layer.build(inputs.shape)
    plain = keras.layers.Conv2D(8, size, padding="same", use_bias=False)
    plain.build(inputs.shape)
    plain.set_weights(layer.get_weights())
    exact = np.array(plain(inputs))
    np.testing.assert_allclose(layer(inputs, training=False), exact, atol=1e-5)
    distance = np.abs(np.array(layer(inputs, training=True)) - exact).max()
    assert 1e-5 < distance < 0.05
    assert kind.from_config(layer.get_config()).training_dtype == "bfloat16"


@pytest.mark.parametrize("body", BODIES)
def test_lower_blocks_learn_later_and_slower(body):
    network = build(body=body)
    recipe = MobileNetRecipe(unfreeze_epochs=2.0, layer_decay=0.5, head_scale=3.0)
    rates = learning_rates(network, recipe)
    scales, delays = rates.scales, rates.delays
    paths = [weight.path for weight in network.trainable_variables]
    assert len(scales) == len(delays) == len(paths)
    first = "layer1_" if body == "audioset" else "conv1"
    last = "layer14_" if body == "audioset" else "conv_pw_13"
    for path, scale, delay in zip(paths, scales, delays, strict=True):
        if path.startswith(("hidden", "emotion")):
            assert (scale, delay) == (3.0, 0.0)
        elif last in path:
            assert (scale, delay) == (1.0, pytest.approx(2 / 14))
        elif first in path:
            assert (scale, delay) == (0.5**13, 2.0)
        else:
            assert 0.5**13 < scale <= 1.0
    assert learning_rates(network, MobileNetRecipe()) == LearningRates([1.0] * len(paths), [0.0] * len(paths))


def test_blocks_are_counted_from_the_bottom():
    for body in BODIES:
        names = [layer.name for layer in build(body=body).get_layer("backbone").layers if layer.weights]
        blocks = [mobilenet.block(name) for name in names]
        assert blocks == sorted(blocks)
        assert set(blocks) == set(range(mobilenet.BLOCKS))


@pytest.mark.parametrize("body", BODIES)
def test_folded_norms_change_no_answer(body):
    network = build(body=body, pooling="attentive")
    random = np.random.default_rng(0)
    for norm in norms(network.get_layer("backbone")):
        norm.gamma.assign(random.uniform(0.5, 1.5, norm.gamma.shape))
        norm.beta.assign(random.normal(0, 0.2, norm.beta.shape))
    before = [weight.numpy() for weight in network.weights]
    folded = fold_backbone(network)
    assert not norms(folded.get_layer("backbone"))
    clips = random.normal(-2, 2, (3, 90, 64))
    np.testing.assert_allclose(answer(folded, clips, [90, 40, 1]), answer(network, clips, [90, 40, 1]), atol=1e-5)
    for weight, value in zip(network.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_bfloat16_is_for_pointwise_convolutions_and_keeps_the_promise_of_padding():
    network = build(pooling="attentive")
    folded = fold_backbone(network, "bfloat16")
    kinds = {layer.name: layer.compute_dtype for layer in folded.get_layer("backbone").layers}
    # The first two blocks have 4 and 8 channels at this width, too few for bfloat16.
    chosen = {name for name in kinds if "pointwise" in name and not name.startswith(("layer2_", "layer3_"))}
    assert {kinds[name] for name in chosen} == {"bfloat16"}
    assert {kinds[name] for name in kinds.keys() - chosen} == {"float32"}
    clips = np.random.default_rng(0).normal(-2, 2, (3, 90, 64))
    together = answer(folded, clips, [90, 40, 1])
    alone = np.concatenate(
        [answer(folded, clip[None, :frames], [frames]) for clip, frames in zip(clips, (90, 40, 1), strict=True)]
    )
    np.testing.assert_allclose(together, alone, atol=1e-2)
    difference = np.abs(together - answer(network, clips, [90, 40, 1]))
    assert 0 < difference.max() < 0.2


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_network_that_another_runtime_is_given_is_the_same(pooling):
    runtime = pytest.importorskip("onnxruntime", reason="the extra `reference` is not installed")
    pytest.importorskip("onnx", reason="the extra `reference` is not installed")
    from benchmarks.mobilenet_onnx import to_onnx

    network = build(pooling=pooling)
    session = runtime.InferenceSession(to_onnx(network), providers=["CPUExecutionProvider"])
    clips = np.random.default_rng(0).normal(-2, 2, (3, 64, 64)).astype(np.float32)
    (theirs,) = session.run(None, {"log_mel": clips})
    np.testing.assert_allclose(theirs, answer(network, clips, [64] * 3), atol=1e-5)


def test_a_norm_that_follows_no_convolution_is_not_folded():
    window = keras.Input((4, 4, 2))
    with pytest.raises(ValueError, match="must follow a convolution without bias"):
        fold_batch_norms(keras.Model(window, FusedBatchNorm()(keras.layers.ReLU()(window))))
