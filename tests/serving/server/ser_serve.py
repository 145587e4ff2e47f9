"""`ser serve` in a separate process, as users start it."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def ser_serve(models: Path, *options: str) -> Iterator[tuple[subprocess.Popen, str, str]]:
    """Run a server of a repository on free ports. Yields its gRPC and REST addresses."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ser", "serve", str(models), "--grpc-port", "0", "--rest-port", "0", *options],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in process.stdout:
            if line.startswith("Listening on "):
                words = line.split()
                yield process, words[2], words[5]
                break
        else:
            raise AssertionError(f"`ser serve` did not listen: {process.stderr.read()}")
    finally:
        process.kill()
        process.communicate()
