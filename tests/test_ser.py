import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ser

ROOT = Path(ser.__file__).parent


def run(*arguments, **options):
    command = [sys.executable, "-m", "ser", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, **({"timeout": 120} | options))


def test_help_lists_the_commands_and_imports_nothing_heavy():
    program = (
        "import sys, ser\n"
        "from typer.testing import CliRunner\n"
        "print(CliRunner().invoke(ser.app, ['--help']).output)\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'grpc', 'matplotlib', 'soundfile'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=ROOT)
    for command in (
        "data",
        "train",
        "tune",
        "checkpoint",
        "evaluate",
        "compare",
        "export",
        "serve",
        "predict",
        "promote",
        "rollback",
        "demo",
    ):
        assert f" {command} " in done.stdout
    assert "heavy: []" in done.stdout


def test_the_version_is_said_at_once():
    program = "import sys; sys.argv = ['ser', '--version']; import ser\ntry: ser.main()\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=ROOT)
    line, modules = done.stdout.splitlines()
    assert re.fullmatch(r"ser \d+\.\d+\.\d+, TensorFlow 2\.\d+\.\d+, Keras 3\.\d+\.\d+", line)
    assert not {"tensorflow", "keras", "numpy"} & set(modules.split())


@pytest.mark.parametrize(
    "command",
    [
        ["data"],
        ["data", "list"],
        ["data", "prepare"],
        ["data", "synthesize"],
        ["data", "download"],
        ["data", "check"],
        ["data", "plot"],
        ["train"],
        ["train", "mobilenet"],
        ["train", "from"],
        ["tune"],
        ["checkpoint"],
        ["checkpoint", "fetch"],
        ["checkpoint", "inspect"],
        ["evaluate"],
        ["drift"],
        ["compare"],
        ["export"],
        ["serve"],
        ["predict"],
        ["retrain"],
        ["promote"],
        ["rollback"],
        ["demo"],
    ],
)
def test_every_command_explains_itself(command):
    done = CliRunner().invoke(ser.app, [*command, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["data", "prepare", "crema_d", "{0}/nothing", "{0}/out"], "nothing"),
        (["data", "prepare", "emotions", "{0}", "{0}/out"], "there is no corpus 'emotions'"),
        (["train", "mobilenet", "{0}", "{0}/run"], "{0} holds no prepared dataset"),
        (["evaluate", "{0}/nothing", "{0}"], "{0}/nothing is not a run folder"),
        (["drift", "{0}/nothing", "{0}", "--output", "{0}/out"], "{0}/nothing is not a run folder"),
        (["export", "{0}/nothing", "{0}/models"], "{0}/nothing is not a run folder"),
        (["serve", "{0}/nothing", "--grpc-port", "0"], "{0}/nothing"),
        (["predict", "{0}/x.wav", "--model", "{0}/nothing"], "{0}/nothing"),
        (["predict", "{0}/x.wav", "--server", "127.0.0.1:9"], "127.0.0.1:9"),
        (["promote", "{0}/nothing/ser"], "{0}/nothing"),
        (["rollback", "{0}/nothing/ser"], "{0}/nothing"),
        (["retrain", "--data", "{0}", "--champion", "{0}/nothing/ser", "--output", "{0}/out"], "{0}/nothing"),
        (["demo", "--data", "{0}/nothing"], "{0}/nothing is not a folder"),
        (["demo", "--weights", "{0}/nothing.h5"], "{0}/nothing.h5 does not exist"),
    ],
)
def test_what_the_user_can_put_right_is_one_sentence_and_status_1(command, sentence, tmp_path):
    done = run(*(word.format(tmp_path) for word in command))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert sentence.format(tmp_path) in line
    assert list(tmp_path.iterdir()) == []


def test_tensorflow_starts_without_a_word(tmp_path):
    fields = {name: {} for name in ("model", "fit", "front_end", "labels", "data", "weights")}
    (tmp_path / "config.json").write_text(json.dumps(fields))
    (tmp_path / "model.keras").write_text("")
    done = run("evaluate", str(tmp_path), str(tmp_path))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def imports(path: Path) -> set[str]:
    """Names of the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def files_importing(package: str, *forbidden: str) -> list[str]:
    return [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / package).rglob("*.py"))
        if any(name.split(".")[0] in forbidden for name in imports(path))
    ]


def test_imports_follow_the_way_of_the_data():
    assert files_importing("data_pipeline", "training", "serving") == []
    assert files_importing("training", "serving") == []
    exporting = {
        "serving/cli/export.py",
        "serving/export/audio_embedder.py",
        "serving/export/bfloat16_check.py",
        "serving/export/provenance.py",
        "serving/export/saved_model.py",
        "serving/export/signatures.py",
    }
    retraining = {"serving/promotion/champion.py", "serving/cli/retrain.py"}
    assert set(files_importing("serving", "training")) <= exporting | retraining


def demo(folder: Path, *options: str) -> subprocess.CompletedProcess:
    return run("demo", "--out", str(folder), *options, timeout=1_100)


def test_the_demonstration_walks_the_whole_way_and_keeps_what_is_done(tmp_path):
    small = ["--speakers", "4", "--clips-per-emotion", "1", "--epochs", "1"]
    done = demo(tmp_path, *small)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "synthetic" / "run" / "report.html").is_file()
    assert (tmp_path / "synthetic" / "models" / "ser" / "1" / "saved_model.pb").is_file()
    assert done.stdout.count(", confidence ") == 6
    assert "Traceback" not in done.stderr
    again = demo(tmp_path, *small)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "kept from an earlier demo" in again.stdout
    assert (tmp_path / "synthetic" / "models" / "ser" / "2" / "saved_model.pb").is_file()


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_the_demonstration_at_its_full_size_learns_something(tmp_path):
    done = demo(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    metrics = json.loads((tmp_path / "synthetic" / "run" / "metrics.json").read_text())
    assert metrics["test"]["wa_interval"][0] > 1 / 6
