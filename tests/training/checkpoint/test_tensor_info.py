import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.checkpoint.tensor_info import canonical_name


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
    assert canonical_name(stored) == canonical


@given(st.text(alphabet="abc._0", max_size=20), st.sampled_from(["wav2vec2.", "hubert.", "model."]))
def test_a_prefix_changes_nothing_and_canonical_names_stay(rest, prefix):
    name = canonical_name(rest)
    assert canonical_name(prefix + rest) == name
    assert name is None or canonical_name(name) == name
