"""What is printed where the encoding lacks signs, or the disk is full."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ser

ROOT = Path(ser.__file__).parent

SIGNS = "print('█ 1–2 −3 × 4… “é” →')"


def run(code: str, encoding: str, **options) -> subprocess.CompletedProcess:
    program = f"import sys, standard_output\nwith standard_output.printable():\n    {code}"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, check=False, **({"capture_output": True} | options)
    )


def test_signs_that_an_encoding_lacks_do_not_end_a_command():
    assert run(SIGNS, "ascii").stdout.decode() == '# 1-2 -3 x 4... "\\xe9" ->\n'
    assert run(SIGNS, "latin-1").stdout.decode("latin-1") == '# 1-2 -3 × 4... "é" ->\n'
    assert run(SIGNS, "utf-8").stdout.decode() == "█ 1–2 −3 × 4… “é” →\n"
    assert run(SIGNS, "ascii:replace").stdout.decode() == "? 1?2 ?3 ? 4? ??? ?\n"


def test_names_that_are_not_utf_8_can_be_printed():
    done = run("print('caf\\udce9.wav')", "utf-8")

    assert (done.returncode, done.stdout) == (0, b"caf\\udce9.wav\n")


@pytest.mark.parametrize("command", [["data", "list"], ["--help"], ["data", "prepare", "--help"]])
def test_commands_print_in_any_encoding(command):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "ser.py", *command], cwd=ROOT, env=environment, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("command", [["data", "list"], ["--help"]])
def test_a_full_disk_is_one_sentence(command):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "ser.py", *command], cwd=ROOT, stdout=full, stderr=-1, check=False)

    assert done.returncode == 1
    [line] = done.stderr.decode().splitlines()
    assert line.startswith("error: standard output cannot be written (No space left on device): make room there")


def test_a_reader_that_has_read_enough_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "ser.py", "data", "list"], cwd=ROOT, stdout=writing, stderr=-1, check=False)
    os.close(writing)

    assert (done.returncode, done.stderr) == (1, b"")
