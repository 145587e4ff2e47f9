import errno
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import constants, file_download

from data_pipeline.errors import UserError
from tests.training.checkpoint.conftest import COMMIT, NAME, NEXT_COMMIT, files_of
from tests.training.checkpoint.saved import backbone, save, save_settings, save_sharded
from training.checkpoint import open_checkpoint

NEEDED = {"config.json", "preprocessor_config.json", "model.safetensors"}


@pytest.fixture
def nobody_there() -> str:
    """The address of a port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def assert_opens(checkpoint, commit=COMMIT, seed=0):
    assert checkpoint.source == NAME
    assert checkpoint.revision == commit
    arrays = checkpoint.arrays()
    np.testing.assert_array_equal(arrays["masked_spec_embed"], backbone(seed=seed)["masked_spec_embed"])


def test_only_what_is_needed_is_fetched_and_only_once(hub):
    assert_opens(open_checkpoint(NAME))
    assert set(hub.fetched()) == NEEDED
    hub.requests.clear()
    assert_opens(open_checkpoint(NAME))
    assert hub.fetched() == []


def test_a_commit_in_the_cache_is_not_asked_for_again(hub):
    open_checkpoint(NAME, COMMIT)
    hub.requests.clear()
    assert_opens(open_checkpoint(NAME, COMMIT))
    assert hub.requests == []


def test_a_branch_follows_the_hub_and_a_commit_stays(hub, tmp_path):
    open_checkpoint(NAME)
    hub.commits[NEXT_COMMIT] = files_of(save(tmp_path / "next", backbone(seed=1)))
    hub.refs |= {"main": NEXT_COMMIT, "v1": COMMIT}
    assert_opens(open_checkpoint(NAME), NEXT_COMMIT, seed=1)
    assert_opens(open_checkpoint(NAME, "v1"), COMMIT)
    assert_opens(open_checkpoint(NAME, COMMIT), COMMIT)


def test_shards_are_fetched_by_their_index(hub, tmp_path):
    hub.commits[COMMIT] = files_of(save_sharded(tmp_path / "sharded"))
    assert_opens(open_checkpoint(NAME))
    assert_opens(open_checkpoint(NAME))
    assert len(hub.fetched()) == 5


def test_a_shard_that_the_hub_lacks(hub, tmp_path):
    hub.commits[COMMIT] = files_of(save_sharded(tmp_path / "sharded"))
    del hub.commits[COMMIT]["model-00002-of-00002.safetensors"]
    with pytest.raises(UserError, match=r"lacks model-00002-of-00002.safetensors, which .* names"):
        open_checkpoint(NAME)


@pytest.mark.parametrize("files", [["pytorch_model.bin"], ["pytorch_model-00001-of-00001.bin"]])
def test_weights_that_only_pytorch_reads_are_not_fetched_without_it(hub, monkeypatch, files):
    del hub.commits[COMMIT]["model.safetensors"], hub.commits[COMMIT]["pytorch_model.bin"]
    hub.commits[COMMIT] |= dict.fromkeys(files, b"a gigabyte")
    if "pytorch_model.bin" not in files:
        index = {"weight_map": {"masked_spec_embed": files[0]}}
        hub.commits[COMMIT]["pytorch_model.bin.index.json"] = json.dumps(index).encode()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match=rf"{files[0]} of {NAME} on the hub .* not installed: `pip install torch`"):
        open_checkpoint(NAME)
    assert not set(files) & set(hub.fetched())


@pytest.mark.parametrize("revision", [None, "main", COMMIT])
def test_offline_the_cache_is_enough(hub, monkeypatch, revision):
    open_checkpoint(NAME)
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert_opens(open_checkpoint(NAME, revision))
    assert hub.requests == []


def test_offline_without_a_feature_extractor_that_never_was(hub, monkeypatch):
    del hub.commits[COMMIT]["preprocessor_config.json"]
    open_checkpoint(NAME)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert open_checkpoint(NAME).feature_extractor["do_normalize"] is True


def test_offline_without_the_checkpoint(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=f"{NAME} .* HF_HUB_OFFLINE forbids asking {hub.url}: unset it, or fetch it"):
        open_checkpoint(NAME)
    assert hub.requests == []


@pytest.mark.parametrize("revision", [None, COMMIT])
def test_without_connection_the_error_comes_at_once(hub, monkeypatch, nobody_there, revision):
    monkeypatch.setattr(constants, "ENDPOINT", nobody_there)
    began = time.monotonic()
    with pytest.raises(UserError, match=f"{NAME} .* no connection to the hub at {nobody_there} .* HF_HOME"):
        open_checkpoint(NAME, revision)
    assert time.monotonic() - began < 5


def test_no_connection_and_all_in_the_cache(hub, monkeypatch, nobody_there):
    open_checkpoint(NAME)
    monkeypatch.setattr(constants, "ENDPOINT", nobody_there)
    assert_opens(open_checkpoint(NAME))


def test_a_broken_download_is_resumed(hub, monkeypatch):
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)
    open_checkpoint(NAME, COMMIT)
    hub.commits[NEXT_COMMIT] = hub.commits[COMMIT] | {"config.json": hub.commits[COMMIT]["config.json"] + b" "}
    hub.requests.clear()
    hub.cut = [20]
    checkpoint = open_checkpoint(NAME, NEXT_COMMIT)
    assert hub.fetched() == ["config.json", "config.json"]
    assert (checkpoint.folder / "config.json").read_bytes() == hub.commits[NEXT_COMMIT]["config.json"]


def test_a_download_that_never_succeeds_is_one_sentence_and_leaves_nothing(hub, monkeypatch):
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)
    hub.cut = [0] * 100
    with pytest.raises(UserError, match=f"no connection to the hub at {hub.url}"):
        open_checkpoint(NAME)
    hub.cut = []
    assert_opens(open_checkpoint(NAME))


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        ((404, "RepoNotFound"), f"{NAME} is not on the hub at .*, or is private"),
        ((401, "RepoNotFound"), f"{NAME} is not on the hub at .*, or is private"),
        ((403, "GatedRepo"), "given only to those who accepted its terms"),
        ((404, "RevisionNotFound"), "has no revision 'main'"),
        ((500, ""), "answered 500: try again later"),
    ],
)
def test_refusals_are_one_sentence(hub, refusal, sentence):
    hub.refusal = refusal
    with pytest.raises(UserError, match=sentence) as raised:
        open_checkpoint(NAME)
    assert "\n" not in str(raised.value)


def test_an_unknown_name_and_an_unknown_revision(hub):
    with pytest.raises(UserError, match="someone/else is not on the hub"):
        open_checkpoint("someone/else")
    with pytest.raises(UserError, match="has no revision 'v9'"):
        open_checkpoint(NAME, "v9")
    with pytest.raises(UserError, match="is no name on the hub"):
        open_checkpoint("someone/ends-in-dot.")


def test_unusable_checkpoints_are_refused_before_their_weights_are_fetched(hub, tmp_path):
    save_settings(tmp_path / "other", {"model_type": "bert"})
    hub.commits[COMMIT] |= files_of(tmp_path / "other")
    with pytest.raises(UserError, match="is of model_type 'bert'"):
        open_checkpoint(NAME)
    assert "model.safetensors" not in hub.fetched()
    hub.commits[COMMIT] = {"config.json": b"{}", "tf_model.h5": b""}
    with pytest.raises(UserError, match=r"only as tf_model.h5"):
        open_checkpoint(NAME)
    hub.commits[COMMIT] = {"tf_model.h5": b""}
    with pytest.raises(UserError, match=r"has no config.json"):
        open_checkpoint(NAME)


@pytest.mark.parametrize(("number", "sentence"), [(errno.ENOSPC, "make room"), (errno.EACCES, "who may write there")])
def test_a_disk_that_refuses(hub, monkeypatch, number, sentence):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(file_download, "http_get", refuse)
    with pytest.raises(UserError, match=sentence):
        open_checkpoint(NAME)


def test_a_server_that_is_no_hub(hub):
    hub.refusal = (200, "")
    with pytest.raises(UserError, match="does not answer as a Hugging Face hub does: see HF_ENDPOINT"):
        open_checkpoint(NAME)


def test_the_environment_is_honoured(hub, tmp_path):
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from training.checkpoint import open_checkpoint\n"
        f"checkpoint = open_checkpoint({NAME!r})\n"
        "checkpoint.arrays()\n"
        "print(checkpoint.revision, checkpoint.folder)\n"
    )
    home = tmp_path / "home"
    for offline in ("0", "1"):
        environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_OFFLINE": offline}
        environment.pop("HF_HUB_CACHE", None)
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=60, check=True
        )
        revision, folder = done.stdout.split()
        assert revision == COMMIT
        assert Path(folder).is_relative_to(home)


def test_transformers_can_use_what_was_fetched(hub):
    # The same cache, by the hub client's own means: nothing is fetched twice.
    open_checkpoint(NAME)
    hub.requests.clear()
    huggingface_hub.hf_hub_download(NAME, "model.safetensors", cache_dir=constants.HF_HUB_CACHE, endpoint=hub.url)
    assert hub.fetched() == []
