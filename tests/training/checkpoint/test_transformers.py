"""Checkpoints as transformers itself saves them, computed by both."""

import json

import numpy as np
import pytest
from keras import ops

from tests.training.families.wav2vec2.tiny import CONFIGS, close, waveform
from training.checkpoint import open_checkpoint
from training.families.wav2vec2.classifier import Wav2Vec2Classifier
from training.families.wavlm.classifier import WavLMClassifier

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

CLASSES = {"wav2vec2": "Wav2Vec2", "hubert": "Hubert", "wavlm": "WavLM"}


def model_of(name, kind=None):
    config = CONFIGS[name]
    torch.manual_seed(3)
    family = CLASSES[config["model_type"]]
    settings = getattr(transformers, f"{family}Config")(**config)
    model = getattr(transformers, kind or f"{family}Model")(settings).eval()
    with torch.no_grad():
        # Fresh norms and biases are all alike, which would hide whether one is in its place.
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return model


def save_extractor(folder, normalised=True):
    transformers.Wav2Vec2FeatureExtractor(do_normalize=normalised).save_pretrained(folder)


def assert_heard_alike(folder, model):
    """Ours, from the folder, has the hidden states of the reference for a clip that its extractor prepared."""
    clip = waveform(2_000)
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    prepared = extractor(clip, sampling_rate=16_000, return_tensors="pt")["input_values"]
    with torch.no_grad():
        expected = model.base_model(prepared, output_hidden_states=True)
    wavlm = isinstance(model.config, transformers.WavLMConfig)
    backbone = (WavLMClassifier if wavlm else Wav2Vec2Classifier).from_pretrained(folder, 6).backbone
    output = backbone({"waveform": clip[None], "num_samples": np.array([len(clip)])})
    for state, reference in zip(output["hidden_states"], expected.hidden_states, strict=True):
        close(ops.convert_to_numpy(state), reference.numpy())
    close(ops.convert_to_numpy(output["last_hidden_state"]), expected.last_hidden_state.numpy())


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("name", CONFIGS)
def test_one_file_of_safetensors(name, normalised, tmp_path):
    model = model_of(name)
    model.save_pretrained(tmp_path)
    save_extractor(tmp_path, normalised)
    assert (tmp_path / "model.safetensors").is_file()
    assert_heard_alike(tmp_path, model)


def test_shards(tmp_path):
    model = model_of("base")
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    save_extractor(tmp_path)
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    assert_heard_alike(tmp_path, model)


@pytest.mark.parametrize("sharded", [False, True])
def test_files_of_pytorch(sharded, tmp_path):
    model = model_of("base")
    # As `save_pretrained` wrote it before transformers 5, which saves nothing but safetensors.
    model.config.save_pretrained(tmp_path)
    save_extractor(tmp_path)
    state = model.state_dict()
    if sharded:
        names = list(state)
        shards = {f"pytorch_model-0000{part + 1}-of-00002.bin": names[part::2] for part in range(2)}
        for file, held in shards.items():
            torch.save({name: state[name] for name in held}, tmp_path / file)
        index = {"weight_map": {name: file for file, held in shards.items() for name in held}}
        (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    else:
        torch.save(state, tmp_path / "pytorch_model.bin")
    assert_heard_alike(tmp_path, model)


@pytest.mark.parametrize(
    ("name", "kind", "left_out"),
    [
        ("base", "Wav2Vec2ForCTC", "lm_head."),
        ("base", "Wav2Vec2ForPreTraining", "quantizer."),
        ("hubert", "HubertForSequenceClassification", "classifier."),
    ],
)
def test_a_head_is_left_out(name, kind, left_out, tmp_path):
    model = model_of(name, kind)
    model.save_pretrained(tmp_path)
    save_extractor(tmp_path)
    assert any(name.startswith(left_out) for name in open_checkpoint(tmp_path).left_out)
    assert_heard_alike(tmp_path, model)
