"""The whole way in one go: prepare, train, evaluate, export, serve, ask over gRPC.

Each step is a `ser` command, shown before it runs, so that the demonstration teaches what to type.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.clip import Clip
from data_pipeline.corpora import open_corpus
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError

_SER = [sys.executable, "-m", "ser"]


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demonstration works on.

    Attributes:
        out: Where it writes.
        data: A folder of CREMA-D, or None for synthetic speech.
        weights: Initial weights of the MobileNet, or None.
        port: Of the gRPC server; 0 for any free one.
    """

    out: Path
    data: Path | None = None
    weights: Path | None = None
    port: int = 0

    @property
    def corpus(self) -> str:
        """Name of the corpus."""
        return "crema_d" if self.data else "synthetic"

    @property
    def folder(self) -> Path:
        """Of everything made for this corpus and these weights."""
        start = f"_{self.weights.stem}" if self.weights else ""
        return self.out / f"{self.corpus}{start}"


def run(demo: Demo) -> None:
    """Walk the whole way; steps finished by an earlier, interrupted walk are kept.

    Raises:
        UserError: If a step fails; its own message stands above.
    """
    started = time.perf_counter()
    folder = demo.folder
    folder.mkdir(parents=True, exist_ok=True)
    source, data, trained, models = demo.data, folder / "dataset", folder / "run", folder / "models"
    if source is None:
        source = folder / "corpus"
        _title("1. A corpus: there is none here, so synthetic voices are made")
        _ser("data", "synthesize", str(source), "--speakers", "24", "--clips-per-emotion", "12")
    else:
        _title(f"1. A corpus: CREMA-D in {source}")
    _title("2. Prepare: decode, check, split by speaker, write records")
    _ser("data", "prepare", demo.corpus, str(source), str(data))
    _title("3. Train a MobileNet on log-mel spectrograms")
    _train(demo, data, trained)
    dataset = Dataset.open(data)
    side = "test" if "test" in dataset.splits else "validation"
    _title(f"4. Evaluate on the {side} speakers")
    _ser("evaluate", str(trained), str(data), "--split", side)
    _title("5. Export for TensorFlow Serving")
    _ser("export", str(trained), str(models))
    _title("6. Serve, and ask over gRPC for clips that the model was not trained on")
    with _server(models, demo.port) as address:
        _ser(
            "predict",
            *(str(clip.path) for clip in _unheard(demo, source, dataset, side)),
            "--server",
            address,
        )
    _title(f"Done in {time.perf_counter() - started:.0f} s. Where to look next")
    print(f"  {trained / 'report.html'}   figures and plots of this run")
    print(f"  ser serve {models}   serve it again, then ser predict FILE... --server localhost:8500")
    print("  Dockerfile.serving, docs/serving.md   the same models folder in TensorFlow Serving")
    if not demo.data:
        print("  make demo DATA=/path/to/CREMA-D   the same on real speech: what you saw was synthetic")


def _train(demo: Demo, data: Path, trained: Path) -> None:
    if (trained / "finished").exists():
        print(f"kept from an earlier demo: {trained} (remove it to train again)")
        return
    if trained.exists():
        print(f"an earlier demo was interrupted here: training {trained} afresh")
        shutil.rmtree(trained)
    _ser("train", "mobilenet", str(data), str(trained), *_training_options(demo))
    (trained / "finished").touch()


def _training_options(demo: Demo) -> list[str]:
    """The best known settings where there are weights to start from, else what gets somewhere in minutes."""
    if demo.weights:
        return ["--weights", str(demo.weights)]
    narrow = ["--alpha", "0.25", "--epochs", "20"]
    if demo.data:
        return [*narrow, "--learning-rate", "2e-3"]
    # Little data, and all of it clean: small steps, and nothing that makes the labels or the clips harder to read.
    return [*narrow, "--learning-rate", "3e-3", "--batch-size", "16", "--mixup", "0", "--label-smoothing", "0"]


def _unheard(demo: Demo, source: Path, dataset: Dataset, side: str) -> list[Clip]:
    """One clip an emotion, of as many speakers of that side as there are."""
    speakers = [name.split("/", 1)[1] for name in dataset.side(side).speakers]
    chosen = []
    clips = sorted(open_corpus(demo.corpus).clips(source), key=lambda clip: clip.name)
    for number, label in enumerate(dataset.labels):
        speaker = speakers[number % len(speakers)]
        chosen += [clip for clip in clips if clip.speaker == speaker and clip.emotion == label][:1]
    return chosen


@contextmanager
def _server(models: Path, port: int) -> Iterator[str]:
    """`ser serve` in the background; yields its address once it answers."""
    from serving.client import wait_until_available

    port = port or _free_port()
    command = ["serve", str(models), "--grpc-port", str(port)]
    print(f"$ ser {' '.join(command)} &", flush=True)
    process = subprocess.Popen([*_SER, *command])
    try:
        wait_until_available(f"127.0.0.1:{port}", "ser", timeout=120)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _title(text: str) -> None:
    print(f"\n=== {text}", flush=True)


def _ser(*arguments: str) -> None:
    print(f"$ ser {' '.join(arguments)}", flush=True)
    done = subprocess.run([*_SER, *arguments], check=False)
    if done.returncode:
        raise UserError(f"`ser {arguments[0]}` ended with status {done.returncode}; its message is above")
