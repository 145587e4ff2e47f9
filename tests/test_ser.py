import ast
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ser

ROOT = Path(ser.__file__).parent


def run(*arguments, **options):
    command = [sys.executable, "-m", "ser", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, **options)


def test_help_lists_the_commands_and_imports_nothing_heavy():
    program = (
        "import sys, ser\n"
        "from typer.testing import CliRunner\n"
        "print(CliRunner().invoke(ser.app, ['--help']).output)\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'grpc', 'matplotlib', 'soundfile'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=ROOT)
    for command in ("data", "train", "evaluate", "export", "serve", "predict", "demo"):
        assert f" {command} " in done.stdout
    assert "heavy: []" in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        ["data"],
        ["data", "list"],
        ["data", "prepare"],
        ["data", "synthesize"],
        ["train"],
        ["train", "mobilenet"],
        ["evaluate"],
        ["export"],
        ["serve"],
        ["predict"],
        ["demo"],
    ],
)
def test_every_command_explains_itself(command):
    done = CliRunner().invoke(ser.app, [*command, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output


def test_what_the_user_can_put_right_is_one_sentence_and_status_1(tmp_path):
    done = run("evaluate", str(tmp_path / "nothing"), str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"error: {tmp_path / 'nothing'} is not a run folder (no config.json): train one with `ser train`"
    ]


def test_tensorflow_starts_without_a_word(tmp_path):
    (tmp_path / "config.json").write_text("{}")
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
    exporting = {"serving/cli.py", "serving/export.py", "serving/signatures.py"}
    assert set(files_importing("serving", "training")) <= exporting


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_the_demonstration_walks_the_whole_way(tmp_path):
    command = [sys.executable, "-m", "ser", "demo", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1_100, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "synthetic" / "run" / "report.html").is_file()
    assert done.stdout.count("confidence") == 6
    assert "Traceback" not in done.stderr
