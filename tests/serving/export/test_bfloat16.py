"""What is exported in bfloat16: the convolutions in its graph, and the check before it is written."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError
from serving.export.bfloat16_check import check_bfloat16, speech_like_noise
from serving.export.saved_model import export_model
from tests.training.families.test_mobilenet import fitted_norms
from tests.training.families.wav2vec2.small import SMALL
from tests.training.layers.graphs import convolutions, traced
from training.families.cnn.family import FAMILY as CNN
from training.families.cnn.network import build as build_cnn
from training.families.cnn.recipe import CnnSettings
from training.families.ensemble.family import EnsembleFamily
from training.families.ensemble.network import Ensemble
from training.families.mobilenet.family import FAMILY as MOBILENET
from training.families.mobilenet.network import build as build_mobilenet
from training.families.mobilenet.recipe import MobileNetSettings
from training.families.wav2vec2 import encoder
from training.families.wav2vec2.classifier import Wav2Vec2Classifier
from training.families.wav2vec2.family import FAMILY as WAV2VEC2
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.front_end import LogMelFrontEnd, SeveralFrontEnds, WaveformFrontEnd
from training.run.recogniser import Recogniser

LABEL_NAMES = tuple(map(str, LABELS))
LOG_MEL = LogMelSettings()
LAYERED = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}


def wav2vec2(**config):
    keras.utils.set_random_seed(1)
    model = Wav2Vec2Classifier(Wav2Vec2Settings.from_config({**SMALL, "num_hidden_layers": 1, **config}), len(LABELS))
    return Recogniser(model, LABEL_NAMES, WaveformFrontEnd(), WAV2VEC2)


def mobilenet(body, alpha):
    keras.utils.set_random_seed(1)
    model = build_mobilenet(MobileNetSettings(body, alpha, 64, hidden=8), len(LABELS), LOG_MEL)
    return Recogniser(fitted_norms(model), LABEL_NAMES, LogMelFrontEnd(LOG_MEL), MOBILENET)


def pooled():
    members = [
        wav2vec2().model, mobilenet("audioset", 0.25).model, build_cnn(CnnSettings((4, 8), 64), len(LABELS), LOG_MEL)
    ]  # fmt: skip
    pool = Ensemble(members, [0, 1, 1], [1.0] * 3, [1 / 3] * 3, [0.0] * len(LABELS))
    front_ends = SeveralFrontEnds((WaveformFrontEnd(), LogMelFrontEnd(LOG_MEL)))
    return Recogniser(pool, LABEL_NAMES, front_ends, EnsembleFamily((WAV2VEC2, MOBILENET, CNN)))


RECOGNISERS = {
    "narrow wav2vec2": wav2vec2,
    "narrow layered wav2vec2": lambda: wav2vec2(**LAYERED, conv_dim=[8] * 7, conv_kernel=[10, 8, 8, 8, 3, 2, 2]),
    "wav2vec2 base": lambda: wav2vec2(
        conv_dim=[512] * 7, hidden_size=768, num_attention_heads=12, num_conv_pos_embeddings=128,
        num_conv_pos_embedding_groups=16, intermediate_size=3072,
    ),
    "wav2vec2 large": lambda: wav2vec2(
        **LAYERED, conv_dim=[512] * 7, hidden_size=1024, num_attention_heads=16, num_conv_pos_embeddings=128,
        num_conv_pos_embedding_groups=16, intermediate_size=4096,
    ),
    "audioset 0.125": lambda: mobilenet("audioset", 0.125),
    "imagenet 0.25": lambda: mobilenet("imagenet", 0.25),
    "ensemble": pooled,
}  # fmt: skip


@pytest.mark.parametrize("name", RECOGNISERS)
def test_no_exported_graph_computes_a_narrow_convolution_in_bfloat16(name):
    served = RECOGNISERS[name]().for_serving("bfloat16")
    found = convolutions(traced(served.__call__, tf.TensorSpec([None, None]), tf.TensorSpec([None], tf.int32)))
    assert found
    assert not [convolution for convolution in found if convolution.forbidden]
    assert ("bfloat16" in {convolution.dtype for convolution in found}) == ("narrow" not in name)


@pytest.mark.parametrize("name", ["narrow wav2vec2", "audioset 0.125", "imagenet 0.25"])
def test_rounding_alone_passes_the_check(name):
    recogniser = RECOGNISERS[name]()
    check_bfloat16(recogniser.for_serving("bfloat16"), recogniser.for_serving())


@pytest.mark.parametrize("fault", ["wrong", "nan"])
def test_a_layer_that_bfloat16_breaks_is_found_before_anything_is_written(fault, tmp_path, monkeypatch):
    right = encoder.convolve

    def broken(inputs, kernel):
        outputs = right(inputs, kernel)
        if outputs.dtype != "bfloat16":
            return outputs
        return tf.reverse(outputs, [-1]) if fault == "wrong" else outputs * np.nan

    monkeypatch.setattr(encoder, "convolve", broken)
    recogniser = wav2vec2(hidden_size=64)
    with pytest.raises(UserError, match=r"wrongly in bfloat16 on this machine .*differ from float32 by .*as float32"):
        export_model(recogniser, tmp_path / "models", "ser", dtype="bfloat16")
    assert not (tmp_path / "models").exists()
    export_model(recogniser, tmp_path / "models", "ser")


def test_the_signal_is_always_the_same_and_within_full_scale():
    signal = speech_like_noise()
    np.testing.assert_array_equal(signal, speech_like_noise())
    assert signal.shape == (8, 32_000)
    assert signal.dtype == np.float32
    peaks = np.abs(signal).max(axis=1)
    assert 0.049 < peaks.min() < peaks.max() < 0.91
