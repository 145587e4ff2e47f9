"""Several networks in one SavedModel, which computes their log-mels once."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError
from serving.export.provenance import run_provenance
from serving.export.saved_model import export_model
from tests.training.families.wav2vec2.small import SMALL
from tests.voice import voices
from training.families.cnn import network as cnn
from training.families.cnn.family import FAMILY as CNN
from training.families.cnn.recipe import CnnSettings
from training.families.ensemble.family import EnsembleFamily
from training.families.ensemble.network import Ensemble
from training.families.functionals import network as functionals_network
from training.families.functionals.family import FAMILY as FUNCTIONALS
from training.families.functionals.recipe import FunctionalsSettings
from training.families.mobilenet import network as mobilenet
from training.families.mobilenet.family import FAMILY as MOBILENET
from training.families.mobilenet.recipe import MobileNetSettings
from training.families.wav2vec2.classifier import Wav2Vec2Classifier
from training.families.wav2vec2.family import FAMILY as WAV2VEC2
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.front_end import LogMelFrontEnd, SeveralFrontEnds, WaveformFrontEnd
from training.run.folder import Run
from training.run.recogniser import Recogniser


@pytest.fixture(scope="module")
def recogniser():
    """Two networks on the same log-mels, and one on waveforms."""
    keras.utils.set_random_seed(2)
    settings = CnnSettings(filters=(8,), window_frames=48, hidden=8)
    members = [cnn.build(settings, len(LABELS), LogMelSettings()) for _ in range(2)]
    members.append(
        Wav2Vec2Classifier(Wav2Vec2Settings.from_config({**SMALL, "num_hidden_layers": 1}), len(LABELS), learn="all")
    )
    for member in members:
        weights = member.get_layer("emotion").kernel
        weights.assign(3 * np.random.default_rng(0).normal(size=weights.shape))
    front_ends = SeveralFrontEnds.of([LogMelFrontEnd(), LogMelFrontEnd(), WaveformFrontEnd()])
    model = Ensemble(members, [0, 0, 1], [1.0, 1.5, 0.8], [0.5, 0.3, 0.6], np.linspace(-0.2, 0.2, 6).tolist())
    family = EnsembleFamily((CNN, CNN, WAV2VEC2))
    return Recogniser(model, tuple(map(str, LABELS)), front_ends, family, 1.3)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("bfloat16", 1e-2)])
def test_it_answers_as_the_recogniser_alone_or_in_a_batch(recogniser, tmp_path, dtype, tolerance):
    waveform = voices(3, 9_000)
    num_samples = np.array([9_000, 4_000, 1_600], "int32")
    version = export_model(recogniser, tmp_path, "ser", dtype=dtype)
    ask = tf.saved_model.load(str(version)).signatures["serving_default"]
    together = ask(waveform=tf.constant(waveform), num_samples=tf.constant(num_samples))
    expected = recogniser(tf.constant(waveform), tf.constant(num_samples)).numpy()
    np.testing.assert_allclose(together["probabilities"], expected, atol=tolerance)
    assert np.ptp(expected, axis=0).max() > 0.1, "clips should be answered differently"
    for row, length in enumerate(num_samples):
        alone = ask(waveform=tf.constant(waveform[row : row + 1, :length]), num_samples=tf.constant([length]))
        np.testing.assert_allclose(alone["probabilities"][0], together["probabilities"][row], atol=tolerance)
    assert transforms(version) == 1, "members share their log-mels"
    served = recogniser.for_serving(dtype).model
    size = sum(file.stat().st_size for file in (version / "variables").iterdir())
    stored = sum(int(np.prod(weight.shape)) * weight.value.dtype.size for weight in served.weights)
    # The index of so small a network counts.
    assert size <= 1.1 * stored + 20_000


def test_its_embedding_is_those_of_its_members(recogniser, tmp_path):
    ask = tf.saved_model.load(str(export_model(recogniser, tmp_path, "ser"))).signatures
    clips = {"waveform": tf.constant(voices(2, 9_000)), "num_samples": tf.constant([9_000, 4_000])}
    embedded = ask["embedding"](**clips)["embedding"]
    members = zip(recogniser.model.members, recogniser.family.members, strict=True)
    assert embedded.shape[1] == sum(family.halves(member).size for member, family in members)
    again = ask["classify_embedding"](embedding=embedded)["probabilities"]
    np.testing.assert_allclose(again, ask["serving_default"](**clips)["probabilities"], atol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("bfloat16", 1e-2)])
def test_members_may_hear_different_log_mels_and_gain_nothing_from_bfloat16(tmp_path, dtype, tolerance):
    keras.utils.set_random_seed(4)
    coarse, fine = LogMelSettings(), LogMelSettings(num_bands=40, low=20.0, high=7_900.0, offset=1e-5)
    members = [
        mobilenet.build(MobileNetSettings(alpha=0.125, window_frames=48, hidden=8), len(LABELS), coarse),
        functionals_network.build(FunctionalsSettings(hidden=8), len(LABELS), fine),
    ]
    model = Ensemble(members, [0, 1], [1.0, 1.0], [0.5, 0.6], [0.0] * len(LABELS))
    recogniser = Recogniser(
        model,
        tuple(map(str, LABELS)),
        SeveralFrontEnds.of([LogMelFrontEnd(coarse), LogMelFrontEnd(fine)]),
        EnsembleFamily((MOBILENET, FUNCTIONALS)),
    )
    version = export_model(recogniser, tmp_path, "ser", dtype=dtype)
    waveform = voices(2, 9_000)
    num_samples = np.array([9_000, 1_600], "int32")
    ask = tf.saved_model.load(str(version)).signatures["serving_default"]
    together = ask(waveform=tf.constant(waveform), num_samples=tf.constant(num_samples))["probabilities"]
    np.testing.assert_allclose(together, recogniser(waveform, num_samples), atol=tolerance)
    assert np.ptp(together, axis=0).max() > 0.01
    first, second = recogniser.for_serving(dtype).model.members
    assert dtype in {weight.dtype for weight in first.get_layer("backbone").weights}
    assert {weight.dtype for weight in second.weights} == {"float32"}
    alone = ask(waveform=tf.constant(waveform[1:, :1_600]), num_samples=tf.constant([1_600]))["probabilities"]
    np.testing.assert_allclose(alone[0], together[1], atol=tolerance)
    with pytest.raises(UserError, match="gains nothing from bfloat16"):
        Recogniser(members[1], recogniser.labels, LogMelFrontEnd(fine), FUNCTIONALS).for_serving("bfloat16")
    convolutions = cnn.build(CnnSettings(filters=(8,), window_frames=48, hidden=8), len(LABELS), coarse)
    with pytest.raises(UserError, match="gains nothing from bfloat16"):
        Recogniser(convolutions, recogniser.labels, LogMelFrontEnd(coarse), CNN).for_serving("bfloat16")


def transforms(version):
    """Number of Fourier transforms in the graph, beside the one by which noise and tones are told."""
    [meta_graph] = SavedModel.FromString((version / "saved_model.pb").read_bytes()).meta_graphs
    # As text, which has the nodes of all functions.
    return str(meta_graph.graph_def).count('op: "RFFT"') - 1


def test_its_file_brings_it_back(recogniser, tmp_path):
    recogniser.model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    waveform = tf.constant(voices(2, 6_000))
    copy = replace(recogniser, model=again)
    lengths = tf.constant([6_000, 900])
    np.testing.assert_allclose(copy(waveform, lengths), recogniser(waveform, lengths), atol=1e-6)


def test_a_version_tells_of_the_members(recogniser, tmp_path):
    recogniser.model.save(tmp_path / "model.keras")
    member = {"name": "a", "folder": "/runs/a", "model": "digest", "temperature": 1.0, "weight": 0.4}
    config = {"model": {"family": "ensemble", "members": [{**member, "config": {}}]}, "data": {"synthetic": True}}
    told = run_provenance(Run(tmp_path, config), "float32")
    assert json.loads(json.dumps(told))["members"] == [member]
    assert told["synthetic"]
