"""A program that asks a server starts without TensorFlow, even where it is installed."""

import subprocess
import sys

import pytest

ASK = """
import sys
import serving.client
import serving.recognition.live_stream
{ask}
print(sorted({{"tensorflow", "keras", "ml_dtypes", "tensorflow_serving"}} & set(sys.modules)))
"""

BLOCKING = """
with serving.client.EmotionClient({address!r}) as client:
    client.check()
    print(client.recognise({file!r}).emotion)
"""


@pytest.fixture
def run():
    def run(ask: str = "") -> tuple[list[str], str]:
        """What a new process prints, and what it says on standard error."""
        done = subprocess.run([sys.executable, "-c", ASK.format(ask=ask)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines(), done.stderr

    return run


def test_importing_the_client_imports_no_tensorflow_and_prints_nothing(run):
    assert run() == (["[]"], "")


def test_asking_a_server_imports_no_tensorflow_and_prints_nothing(run, server, clips, tmp_path):
    import soundfile

    file = tmp_path / "clip.wav"
    soundfile.write(file, clips[4], 16_000)
    with_answer = run(BLOCKING.format(address=server.address, file=str(file)))
    emotion, modules = with_answer[0]
    assert emotion.isalpha()
    assert modules == "[]"
    assert with_answer[1] == ""
