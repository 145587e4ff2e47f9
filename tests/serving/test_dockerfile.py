"""The production image cannot be built in a test; that it fits what `ser export` writes can be checked."""

import json
import re
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import pytest

from serving import server_config

DOCKERFILE = Path(__file__).parents[2] / "Dockerfile.serving"


@pytest.fixture(scope="module")
def text():
    return DOCKERFILE.read_text()


@pytest.fixture(scope="module")
def flags(text):
    command = json.loads(re.search(r"^ENTRYPOINT (\[.*?\])", text, re.S | re.M)[1].replace("\\\n", ""))
    return dict(flag.removeprefix("--").split("=") for flag in command[1:])


def test_every_file_that_the_server_is_given_is_one_that_an_export_writes(flags, tmp_path):
    server_config.register(tmp_path, "ser")
    for flag in ("model_config_file", "batching_parameters_file", "monitoring_config_file"):
        inside = PurePosixPath(flags[flag]).relative_to(server_config.SERVED_AT)
        assert (tmp_path / inside).is_file()


def test_the_ports_are_the_ones_that_clients_expect(flags):
    assert (flags["port"], flags["rest_api_port"]) == ("8500", "8501")


def test_the_server_is_of_the_tensorflow_that_writes_the_models(text):
    pinned = re.search(r"^ARG TENSORFLOW_SERVING=(\d+\.\d+)\.\d+$", text, re.M)[1]
    assert version("tensorflow").startswith(f"{pinned}.")


def test_the_server_does_not_run_as_root(text):
    users = re.findall(r"^USER (\S+)$", text, re.M)
    assert users
    assert all(int(user.partition(":")[0]) > 0 for user in users)
