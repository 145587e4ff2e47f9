import pytest

from data_pipeline.errors import UserError
from tests.training.families.wav2vec2.tiny import CONFIGS
from training.families.wav2vec2.settings import Wav2Vec2Settings


@pytest.mark.parametrize(
    ("samples", "frames"), [(0, 0), (399, 0), (400, 1), (719, 1), (720, 2), (16000, 49), (48000, 149)]
)
def test_frames_are_counted_as_the_convolutions_make_them(samples, frames):
    assert Wav2Vec2Settings().frames(samples) == frames


def test_a_config_without_fields_is_the_base_model():
    assert Wav2Vec2Settings.from_config({}) == Wav2Vec2Settings()


def test_a_config_is_read_and_the_extractor_says_whether_to_normalise():
    settings = Wav2Vec2Settings.from_config(CONFIGS["large-lv60"], do_normalize=False)
    assert settings.conv_dim == (16,) * 7
    assert settings.do_stable_layer_norm
    assert not settings.do_normalize


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_file_that_is_no_config_is_named(content, tmp_path):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(UserError, match=r"config\.json cannot be read"):
        Wav2Vec2Settings.from_file(tmp_path / "config.json")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_type", "wavlm"), ("conv_pos_batch_norm", True), ("add_adapter", True), ("adapter_attn_dim", 16),
        ("feat_extract_norm", "batch"), ("hidden_act", "mish"), ("num_attention_heads", 7), ("conv_kernel", [10, 3]),
        ("hidden_dropout", 1.5), ("mask_time_prob", 2.0), ("hidden_size", "wide"), ("conv_bias", "yes"),
        ("num_conv_pos_embedding_groups", 5), ("num_hidden_layers", 0),
    ],
)  # fmt: skip
def test_what_the_network_does_not_have_is_named(field, value):
    with pytest.raises(UserError, match=field):
        Wav2Vec2Settings.from_config({field: value})
