"""A hub with one checkpoint, and a cache of its own."""

import pytest
from huggingface_hub import constants

from tests.training.checkpoint.hub_server import serving
from tests.training.checkpoint.saved import HEADS, backbone, save

NAME = "someone/small-wav2vec2"
COMMIT = "1" * 40
NEXT_COMMIT = "2" * 40


def files_of(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub that this process asks, with an empty cache."""
    with serving(NAME) as server:
        files = files_of(save(tmp_path / "published", backbone() | HEADS))
        server.commits[COMMIT] = files | {"tf_model.h5": b"not needed", "pytorch_model.bin": b"nor this"}
        server.refs["main"] = COMMIT
        # The hub client reads its environment when it is imported, and keeps what it read in both of these.
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield server
