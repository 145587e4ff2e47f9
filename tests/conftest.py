"""Fixtures that tests of every package share."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "tests/serving/conformance against a server that is running")
    group.addoption("--server", metavar="HOST:PORT", help="its gRPC; without it, `ser serve` is started")
    group.addoption("--rest-server", metavar="HOST:PORT", help="its REST; HOST:8501 where it is not given")


@pytest.fixture(scope="session")
def speech_data() -> Path:
    """The folder with real speech and weights: `$SER_DATA`, else `../shared/data` beside the project."""
    beside = Path(__file__).parent.parent.parent / "shared" / "data"
    candidates = [Path(folder) for folder in [os.environ.get("SER_DATA")] if folder] + [beside]
    for folder in candidates:
        if (folder / "crema_d").is_dir():
            return folder
    pytest.skip(f"no real speech: looked for crema_d/ in {' and '.join(map(str, candidates))}; set SER_DATA")
