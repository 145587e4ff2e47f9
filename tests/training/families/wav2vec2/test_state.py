import numpy as np
import pytest

from data_pipeline.errors import UserError
from tests.training.families.wav2vec2.test_backbone import encode, make
from tests.training.families.wav2vec2.tiny import CONFIGS, waveform
from training.families.wav2vec2.backbone import Wav2Vec2Backbone
from training.families.wav2vec2.state import load_state, state_arrays, state_names


@pytest.mark.parametrize("name", CONFIGS)
def test_the_state_makes_the_round_trip(name):
    backbone = make(name)
    arrays = state_arrays(backbone)
    other = Wav2Vec2Backbone(backbone.settings)
    load_state(other, arrays, "copy")
    again = state_arrays(other)
    assert arrays.keys() == again.keys()
    for key, value in arrays.items():
        np.testing.assert_array_equal(value, again[key])
    assert sum(value.size for value in arrays.values()) == backbone.count_params()


def test_the_names_are_those_of_the_reference():
    pytest.importorskip("torch")
    from tests.training.families.wav2vec2.reference import reference_model

    for name, config in CONFIGS.items():
        expected = {key: tuple(value.shape) for key, value in reference_model(config).state_dict().items()}
        assert {key: value.shape for key, value in state_arrays(make(name)).items()} == expected


def test_a_state_that_does_not_fit_is_named_and_changes_nothing():
    backbone = make("base")
    before = state_arrays(backbone)
    name = "encoder.layers.1.attention.k_proj.weight"
    changed = {key: value + 1 for key, value in before.items()}
    for arrays, words in [
        ({key: value for key, value in changed.items() if key != name}, rf"part\.bin lacks {name};"),
        ({**changed, "encoder.extra": np.zeros(1)}, "encoder.extra that the network does not have"),
        ({**changed, name: np.zeros((3, 4))}, rf"{name} \[3, 4\] instead of \[32, 32\]"),
        ({}, "and 4[0-9] more"),
    ]:
        with pytest.raises(UserError, match=words):
            load_state(backbone, arrays, "part.bin")
    for key, value in state_arrays(backbone).items():
        np.testing.assert_array_equal(value, before[key])


def test_the_mask_embedding_may_be_absent():
    backbone = make("base")
    arrays = state_arrays(backbone)
    embedding = arrays.pop("masked_spec_embed")
    load_state(backbone, arrays, "part.bin")
    np.testing.assert_array_equal(state_arrays(backbone)["masked_spec_embed"], embedding)


def test_adapters_are_merged_into_the_state():
    backbone = make("base")
    dense = backbone.encoder_layers[0].attention.query
    dense.enable_lora(2)
    dense.lora_kernel_b.assign(np.full(dense.lora_kernel_b.shape, 0.3))
    merged = Wav2Vec2Backbone(backbone.settings)
    load_state(merged, state_arrays(backbone), "merged")
    clip = waveform(1500)
    np.testing.assert_allclose(
        encode(merged, [clip])["last_hidden_state"], encode(backbone, [clip])["last_hidden_state"], atol=1e-4
    )
    assert len(state_names(merged)) == len(state_names(backbone))
