"""What TensorFlow says to its developers reaches no user of a command, and what concerns the user does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from data_pipeline.corpora.sources import parse_sources
from data_pipeline.corpora.synthetic import synthesize
from data_pipeline.prepare.job import prepare

ROOT = Path(__file__).parent.parent
DEVELOPERS = re.compile(r"retracing|oneDNN|cpu_feature_guard|cudart|WARNING|absl::InitializeLog|^[IWE]0000 ", re.M)


def run(*command: str, folder: Path = ROOT) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environment.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=280, cwd=folder, env=environment
    )


def program(*after: str) -> str:
    """A program that hushes TensorFlow and traces a graph ten times."""
    return "\n".join(
        (
            "import quiet_tensorflow; quiet_tensorflow.hush()",
            "import tensorflow as tf",
            "for number in range(10): tf.function(lambda x: x + 1)(tf.zeros(3))",
            *after,
        )
    )


def test_retracing_and_start_up_are_kept_back():
    done = run("-c", program())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_to_look_for_tensorflow_is_not_to_import_it():
    looking = "import importlib.util; assert importlib.util.find_spec('tensorflow')"
    done = run("-c", program().replace("import tensorflow as tf", f"{looking}; {looking}\nimport tensorflow as tf"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_other_warnings_of_tensorflow_are_shown():
    done = run("-c", program("tf.get_logger().warning('the disk is full')"))
    assert "the disk is full" in done.stderr
    assert "retracing" not in done.stderr


@pytest.fixture(scope="module")
def toys(tmp_path_factory) -> Path:
    """A folder with a corpus of eight synthetic voices, `corpus`, prepared in `data`."""
    folder = tmp_path_factory.mktemp("toys")
    synthesize(folder / "corpus", speakers=8, clips_per_emotion=1)
    prepare(parse_sources([f"synthetic={folder / 'corpus'}"]), folder / "data", workers=1)
    return folder


def assert_quiet(toys: Path, *commands: str) -> None:
    for command in commands:
        done = run("-m", "ser", *command.split(), folder=toys)
        assert done.returncode in (0, 3), f"{command}: {done.stdout}{done.stderr}"
        assert not DEVELOPERS.findall(done.stdout + done.stderr), f"{command}: {done.stdout}{done.stderr}"


@pytest.mark.timeout(600)
def test_commands_that_use_tensorflow_say_nothing_of_it(toys):
    clip = next((toys / "corpus").glob("*.wav"))
    assert_quiet(
        toys,
        "train functionals data run --epochs 1",
        "evaluate run data --channel telephone",
        "export run models",
        f"predict {clip} --model models/ser",
    )


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_commands_that_use_many_models_say_nothing_of_tensorflow_either(toys):
    assert_quiet(
        toys,
        "train functionals data one --epochs 1",
        "train cnn data two --epochs 1",
        "ensemble one two --output both --folds 2",
        "compare one two",
        "tune functionals data tuned --trials 2 --folds 2 --epochs 1",
        "export one models-of-one",
        "retrain --data data --champion models-of-one/ser --output retrained",
        "drift one corpus --output drift",
    )
