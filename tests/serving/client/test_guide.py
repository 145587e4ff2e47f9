"""The Python clients of the guides, run against a server, with files at other rates than the model's."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from serving.client import EmotionClient

DOCS = Path(__file__).parents[3] / "docs"


def example(page: str, heading: str) -> str:
    """The first Python block below a heading of a page."""
    text = (DOCS / page).read_text()
    return re.search(rf"^##+ {re.escape(heading)}\n.*?^```python\n(.*?)^```$", text, re.S | re.M)[1]


@pytest.fixture
def run(server, tmp_path, monkeypatch, capsys):
    """`run(code)`: the lines that an example prints when it asks the server of the tests."""

    def run(code: str) -> list[str]:
        code = code.replace('"localhost:8500"', repr(server.address)).replace('"mobilenet"', '"ser"')
        exec(compile(code, str(DOCS), "exec"), {})
        return capsys.readouterr().out.splitlines()

    monkeypatch.chdir(tmp_path)
    return run


def write(file: str, clip: np.ndarray, rate: int) -> None:
    """A clip at 16 kHz as a mono PCM16 file at another rate."""
    Path(file).parent.mkdir(exist_ok=True)
    soundfile.write(file, soxr.resample(clip, 16_000, rate), rate, subtype="PCM_16")


@pytest.mark.parametrize("rate", [24_000, 44_100])
def test_the_client_of_the_guide_gives_the_rate_of_the_file(run, clips, rate, monkeypatch):
    write("clip.wav", clips[3], rate)
    write("calls/a.wav", clips[5], rate)
    answers, recognise = [], EmotionClient.recognise
    monkeypatch.setattr(
        EmotionClient, "recognise", lambda self, audio: answers.append(recognise(self, audio)) or answers[-1]
    )

    printed = run(example("serving.md", "Python, with this project's client"))

    by_path, by_samples = (list(answer.probabilities.values()) for answer in answers)
    assert by_samples == pytest.approx(by_path, abs=1e-3)
    assert len(printed) == 1


def test_the_client_without_this_package_leaves_the_rate_to_the_header(run, server, clips):
    write("clip.wav", clips[3], 8_000)
    write("other.wav", clips[5], 16_000)

    shutil.copy(DOCS.parent / "serving" / "protocol" / "serving.protoset", ".")
    code = example("serving.md", "Python, with nothing but gRPC")

    printed = run(code)

    with EmotionClient(server.address, "ser") as client:
        assert printed == [f"{file} {client.recognise(file).emotion}" for file in ("clip.wav", "other.wav")]
    write("other.wav", clips[5], 44_100)
    assert run(code)[1] == "other.wav not judged: status 8"


def test_the_stream_of_the_guide_has_the_rate_of_the_file(run, server, clips):
    write("caller.wav", np.concatenate(clips), 24_000)
    seconds = sum(clip.size for clip in clips) / 16_000

    printed = run(example("mobilenet.md", "A whole clip, and a stream"))

    assert len(printed) == np.ceil(seconds)
    assert printed[3].startswith("1 to 4 s: EmotionAnswer(")
