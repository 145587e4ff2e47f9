"""A published client of another project: `min-tfs-client` of PyPI, unchanged, in a separate environment, because it
contains its own copies of TensorFlow's messages and needs an older protobuf.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.serving.server.ser_serve import ser_serve

PACKAGES = ["min-tfs-client==1.0.2", "protobuf<4", "grpcio", "numpy"]


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    installed = subprocess.run(
        [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *PACKAGES], capture_output=True, text=True
    )
    if installed.returncode:
        pytest.skip(f"{PACKAGES[0]} cannot be installed: {installed.stderr.strip().splitlines()[-1]}")
    return folder / "bin" / "python"


@pytest.mark.slow
def test_it_is_answered_as_the_model_in_process(python, mobilenet, mobilenet_version, clips, tmp_path):
    waveform = np.stack([clip[:4_800] for clip in clips])
    num_samples = np.full(len(clips), 4_800, np.int32)
    np.savez(tmp_path / "question.npz", waveform=waveform, num_samples=num_samples)
    with ser_serve(mobilenet_version.parent.parent) as (_, address, _):
        host, port = address.split(":")
        command = [python, Path(__file__).with_name("published_client.py"), host, port]
        done = subprocess.run(
            [*map(str, command), str(tmp_path / "question.npz"), str(tmp_path / "answer.npz")],
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "answer.npz") as answer:
        expected = mobilenet(waveform, num_samples).numpy()
        np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-4)
        assert answer["emotion"].tolist() == [mobilenet.labels[row.argmax()] for row in expected]
        assert answer["status"].tolist() == [0] * len(clips)
        assert answer["version"] == 1
