import keras
import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError
from serving.export.saved_model import export_model
from tests.training.families.wav2vec2.small import SMALL
from tests.voice import voices
from training.families.wav2vec2.classifier import Wav2Vec2Classifier
from training.families.wav2vec2.family import FAMILY
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.front_end import WaveformFrontEnd
from training.run.recogniser import Recogniser


@pytest.fixture(scope="module")
def recogniser():
    keras.utils.set_random_seed(2)
    # Wide enough that the graph is small beside the weights.
    config = {**SMALL, "hidden_size": 256, "intermediate_size": 1_024, "conv_dim": [128] * 7, "num_hidden_layers": 3}
    model = Wav2Vec2Classifier(Wav2Vec2Settings.from_config(config), len(LABELS), learn="lora", lora_rank=2)
    for layer in model.backbone.encoder_layers:
        layer.attention.value.lora_kernel_b.assign(np.full(layer.attention.value.lora_kernel_b.shape, 0.02))
    return Recogniser(model, tuple(map(str, LABELS)), WaveformFrontEnd(), FAMILY)


@pytest.fixture(scope="module")
def clips():
    return voices(3, 16_000), np.array([16_000, 7_000, 1_600], "int32")


@pytest.mark.parametrize(("dtype", "tolerance", "bytes_each"), [("float32", 1e-4, 4), ("bfloat16", 1e-2, 2)])
def test_an_export_answers_as_the_model_from_audio_alone_or_in_a_batch(
    recogniser, clips, tmp_path, dtype, tolerance, bytes_each
):
    waveform, num_samples = clips
    version = export_model(recogniser, tmp_path, "wav2vec2", dtype=dtype)
    ask = tf.saved_model.load(str(version)).signatures["serving_default"]
    together = ask(waveform=tf.constant(waveform), num_samples=tf.constant(num_samples))
    expected = recogniser(tf.constant(waveform), tf.constant(num_samples)).numpy()
    np.testing.assert_allclose(together["probabilities"], expected, atol=tolerance)
    assert together["status"].numpy().tolist() == [0, 0, 0]
    for row, length in enumerate(num_samples):
        alone = ask(waveform=tf.constant(waveform[row : row + 1, :length]), num_samples=tf.constant([length]))
        np.testing.assert_allclose(alone["probabilities"][0], together["probabilities"][row], atol=tolerance)
    served = recogniser.model.for_serving(dtype)
    parameters = sum(int(np.prod(weight.shape)) for weight in served.weights)
    size = sum(file.stat().st_size for file in (version / "variables").iterdir())
    assert size <= 1.1 * parameters * bytes_each


def test_junk_in_one_row_is_that_rows_status(recogniser, clips, tmp_path):
    waveform, num_samples = clips
    spoilt = waveform.copy()
    spoilt[1, 10] = np.nan
    ask = tf.saved_model.load(str(export_model(recogniser, tmp_path, "wav2vec2"))).signatures["serving_default"]
    good = ask(waveform=tf.constant(waveform), num_samples=tf.constant(num_samples))
    answer = ask(waveform=tf.constant(spoilt), num_samples=tf.constant(num_samples))
    assert answer["status"].numpy()[1] != 0
    np.testing.assert_allclose(
        answer["probabilities"].numpy()[[0, 2]], good["probabilities"].numpy()[[0, 2]], atol=1e-5
    )


def test_an_unknown_dtype_is_refused_before_anything_is_written(recogniser, tmp_path):
    with pytest.raises(UserError, match="float16"):
        export_model(recogniser, tmp_path / "models", "wav2vec2", dtype="float16")
    assert not (tmp_path / "models").exists()
