import json

import numpy as np
import pytest
from typer.testing import CliRunner

from data_pipeline.errors import UserError
from tests.training.checkpoint.conftest import COMMIT, NAME, NEXT_COMMIT, files_of
from tests.training.checkpoint.saved import HEADS, OLD_NORM, backbone, save, save_sharded
from training.checkpoint import open_checkpoint
from training.cli.checkpoint import checkpoint_app


def invoke(*arguments):
    done = CliRunner().invoke(checkpoint_app, list(map(str, arguments)), env={"COLUMNS": "160"})
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


@pytest.mark.parametrize("command", ["fetch", "inspect"])
def test_help_has_an_example(command):
    assert f"ser checkpoint {command} facebook/wav2vec2-base" in invoke(command, "--help").replace("\n", " ")


def test_fetch_tells_licence_size_and_revision(hub):
    output = invoke("fetch", NAME)
    assert "licence: apache-2.0" in output
    assert "weights: model.safetensors, 0.0 MB" in output
    assert f"revision: {COMMIT}" in output
    assert f"next: ser checkpoint inspect {NAME}" in output
    assert "in the cache already" in invoke("fetch", NAME)


def test_fetch_copies_plain_files(hub, tmp_path):
    out = tmp_path / "deep" / "copy"
    invoke("fetch", NAME, out)
    assert sorted(path.name for path in out.iterdir()) == [
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
    ]
    assert not any(path.is_symlink() for path in out.iterdir())
    np.testing.assert_array_equal(open_checkpoint(out).arrays()["masked_spec_embed"], backbone()["masked_spec_embed"])


def test_fetch_copies_a_newer_revision_over_an_older_one(hub, tmp_path):
    out = tmp_path / "copy"
    invoke("fetch", NAME, out)
    hub.commits[NEXT_COMMIT] = files_of(save(tmp_path / "next", backbone(seed=1)))
    invoke("fetch", NAME, out, "--revision", NEXT_COMMIT)
    np.testing.assert_array_equal(
        open_checkpoint(out).arrays()["masked_spec_embed"], backbone(seed=1)["masked_spec_embed"]
    )


def test_fetch_leaves_folders_alone_that_hold_something_else(hub, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").touch()
    with pytest.raises(UserError, match=r"holds thesis.txt"):
        invoke("fetch", NAME, tmp_path / "notes")
    assert hub.requests == []
    sharded = save_sharded(tmp_path / "sharded")
    with pytest.raises(UserError, match="of another checkpoint"):
        invoke("fetch", NAME, sharded)
    with pytest.raises(UserError, match="is a file"):
        invoke("fetch", NAME, tmp_path / "notes" / "thesis.txt")


def test_fetch_is_for_names(tmp_path):
    with pytest.raises(UserError, match="is a folder on this machine"):
        invoke("fetch", save(tmp_path / "checkpoint"))


def test_inspect_shows_the_network_and_what_is_left_out(tmp_path):
    tensors = backbone(OLD_NORM) | HEADS
    folder = save(tmp_path / "checkpoint", tensors)
    output = invoke("inspect", folder)
    total = sum(array.size for array in tensors.values())
    assert f"{total:,} parameters, {4 * total:,} bytes" in output
    assert "weight_g, weight_v" in output
    assert "encoder.layers.N.attention.k_proj.weight" in output
    assert "8 × 8" in output
    row = next(line for line in output.splitlines() if "lm_head.weight" in line)
    assert "left out" in row
    assert "encoder.layers.1" not in output


def test_inspect_all_lists_every_tensor_and_its_shard(tmp_path):
    output = invoke("inspect", save_sharded(tmp_path / "checkpoint"), "--all")
    for name in backbone():
        assert name in output
    assert "model-00002-of-00002.safetensors" in output


def test_inspect_a_checkpoint_with_few_settings(tmp_path):
    folder = save(tmp_path / "checkpoint")
    (folder / "config.json").write_text(json.dumps({"model_type": "hubert"}))
    assert "not stated" in invoke("inspect", folder)


def test_inspect_a_name_on_the_hub(hub):
    assert COMMIT in invoke("inspect", NAME)
