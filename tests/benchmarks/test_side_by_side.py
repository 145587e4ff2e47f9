"""`benchmarks.side_by_side`, run from a benchmark that prints the cores on which it runs."""

import os
import subprocess
import sys
from pathlib import Path

BENCHMARK = """
import os, sys
from benchmarks.side_by_side import run_side_by_side
if len(sys.argv) > 1:
    print(sys.argv[1], sorted(os.sched_getaffinity(0)))
    sys.exit(sys.argv[1] == "bad")
else:
    run_side_by_side({"one": ["good"], "two": ["bad"], "three": ["good"]}, 2)
"""


def test_each_run_has_its_share_of_the_cores_and_a_failed_one_is_named(tmp_path):
    package = tmp_path / "benchmarks"
    package.mkdir()
    (package / "told.py").write_text(BENCHMARK)
    # A package of the same name, to which the benchmark of this test is added.
    (package / "__init__.py").write_text(f"__path__.append({str(Path('benchmarks').resolve())!r})")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.told"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    cores = sorted(os.sched_getaffinity(0))
    shares = {str(cores[number :: min(2, len(cores))]) for number in range(min(2, len(cores)))}
    lines = [line for line in done.stdout.splitlines() if ": " in line]
    assert sorted(line.rpartition(" [")[0] for line in lines) == ["one: good", "three: good", "two: bad"]
    assert {"[" + line.rpartition(" [")[2] for line in lines} <= shares
    assert done.returncode
    assert "two failed" in done.stderr
