import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.checkpoint.architectures import WAV2VEC2


@pytest.mark.parametrize(
    ("stored", "canonical"),
    [
        ("wav2vec2.encoder.layers.0.attention.k_proj.weight", "encoder.layers.0.attention.k_proj.weight"),
        ("hubert.feature_projection.projection.bias", "feature_projection.projection.bias"),
        ("model.masked_spec_embed", "masked_spec_embed"),
        ("encoder.pos_conv_embed.conv.weight_g", "encoder.pos_conv_embed.conv.parametrizations.weight.original0"),
        (
            "wav2vec2.encoder.pos_conv_embed.conv.weight_v",
            "encoder.pos_conv_embed.conv.parametrizations.weight.original1",
        ),
        ("feature_extractor.conv_layers.0.conv.weight", "feature_extractor.conv_layers.0.conv.weight"),
        ("encoder.surprise", "encoder.surprise"),
        ("lm_head.weight", None),
        ("wav2vec2.adapter.layers.0.conv.weight", None),
        ("wav2vec2.encoder.layers.3.adapter_layer.norm.weight", None),
        ("feature_extractor.weight", None),
        ("layer_weights", None),
        ("hubert.encoder.pos_conv_embed.batch_norm.num_batches_tracked", None),
    ],
)
def test_canonical_names(stored, canonical):
    assert WAV2VEC2.canonical(stored) == canonical


@given(st.text(alphabet="abc._0", max_size=20), st.sampled_from(["wav2vec2.", "hubert.", "model."]))
def test_a_prefix_changes_nothing_and_canonical_names_stay(rest, prefix):
    name = WAV2VEC2.canonical(rest)
    assert WAV2VEC2.canonical(prefix + rest) == name
    assert name is None or WAV2VEC2.canonical(name) == name
