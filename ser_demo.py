"""The demonstration: prepare, train, evaluate, export, serve, and predict over gRPC.

Each step is a `ser` command, which is printed before it runs, so the user sees what to type.
"""

import json
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
from data_pipeline.emotion import LABELS
from data_pipeline.errors import UserError

_SER = [sys.executable, "-m", "ser"]


@dataclass(frozen=True, slots=True)
class Demo:
    """Settings of the demonstration.

    Attributes:
        out: Folder to write to.
        data: A folder of CREMA-D, or None for synthetic speech.
        weights: Initial weights of the MobileNet, or None.
        port: Port of the gRPC server; 0 picks a free one.
        speakers: Number of synthetic voices.
        clips_per_emotion: Number of clips per emotion of each synthetic voice.
        epochs: Number of epochs of a training without initial weights.
    """

    out: Path
    data: Path | None = None
    weights: Path | None = None
    port: int = 0
    speakers: int = 24
    clips_per_emotion: int = 12
    epochs: int = 20

    @property
    def corpus(self) -> str:
        """Name of the corpus."""
        return "crema_d" if self.data else "synthetic"

    @property
    def split(self) -> str:
        """The split to evaluate on. Real test speakers are reserved for final figures, so it is not `test` for them."""
        return "validation" if self.data else "test"

    @property
    def folder(self) -> Path:
        """Folder for all files of this corpus and these weights."""
        start = f"_{self.weights.stem}" if self.weights else ""
        return self.out / f"{self.corpus}{start}"


def run(demo: Demo) -> None:
    """Run the demonstration. A training that an earlier demonstration has finished is kept.

    Raises:
        UserError: If a step fails; its own message is printed before.
    """
    if demo.data and not demo.data.is_dir():
        raise UserError(f"{demo.data} is not a folder: give --data a folder of CREMA-D")
    if demo.weights:
        from training.families.mobilenet.pretrained import PretrainedWeights

        PretrainedWeights.recognise(demo.weights)
    started = time.perf_counter()
    folder = demo.folder
    source, data, trained, models = demo.data, folder / "dataset", folder / "run", folder / "models"
    if source is None:
        source = folder / "corpus"
        _title("1. Make a corpus of synthetic voices, because no corpus was given")
        counts = ["--speakers", str(demo.speakers), "--clips-per-emotion", str(demo.clips_per_emotion)]
        _ser("data", "synthesize", str(source), *counts)
    else:
        _title(f"1. Use the corpus CREMA-D in {source}")
    _title("2. Prepare: decode, check, split by speaker, write records")
    _ser("data", "prepare", demo.corpus, str(source), str(data), "--overwrite")
    dataset = Dataset.open(data)
    _title("3. Train a MobileNet on log-mel spectrograms")
    _train(demo, dataset, trained)
    _title(f"4. Evaluate on the {demo.split} speakers")
    _ser("evaluate", str(trained), str(data), "--split", demo.split)
    _title("5. Export for TensorFlow Serving")
    _ser("export", str(trained), str(models))
    _title("6. Serve, and predict over gRPC for clips that the model was not trained on")
    clips = [clip.file.location for clip in _example_clips(demo, source, dataset)]
    with _server(models, demo.port) as address:
        _ser("predict", *clips, "--server", address)
    _title(f"Done in {time.perf_counter() - started:.0f} s. Where to look next")
    print(f"  {trained / 'report.html'}   figures and plots of this run")
    print(f"  ser serve {models}   serve it again; then, in another terminal, ser predict FILE...")
    print("  Dockerfile.serving, docs/serving.md   the same models folder in TensorFlow Serving")
    if not demo.data:
        print("  make demo DATA=/path/to/CREMA-D   the same on real speech; this demonstration used synthetic voices")


def _train(demo: Demo, dataset: Dataset, trained: Path) -> None:
    options = _training_options(demo)
    made_of = {"fingerprint": dataset.fingerprint, "options": options}
    note = trained / "demo.json"
    if note.is_file() and json.loads(note.read_text()) == made_of:
        print(f"kept from an earlier demo: {trained} (remove it to train again)")
        return
    if trained.exists():
        print(f"{trained} was interrupted or trained on other data: training again")
        shutil.rmtree(trained)
    _ser("train", "mobilenet", str(dataset.folder), str(trained), *options)
    note.write_text(json.dumps(made_of))


def _training_options(demo: Demo) -> list[str]:
    """The best known settings with initial weights; otherwise settings that reach a useful accuracy within minutes."""
    if demo.weights:
        return ["--weights", str(demo.weights)]
    narrow = ["--alpha", "0.25", "--epochs", str(demo.epochs)]
    if demo.data:
        return [*narrow, "--learning-rate", "2e-3"]
    # Little data, all of it clean: small batches, and neither mixup nor label smoothing.
    return [*narrow, "--learning-rate", "3e-3", "--batch-size", "16", "--mixup", "0", "--label-smoothing", "0"]


def _example_clips(demo: Demo, source: Path, dataset: Dataset) -> list[Clip]:
    """One clip per emotion of the evaluated split, from different speakers if possible, none that was set aside."""
    from data_pipeline.input_pipeline import descriptions

    known = descriptions(dataset, demo.split)
    speakers = sorted(set(known["speaker"]))
    paths = {clip.name: clip for clip in open_corpus(demo.corpus).clips(source)}
    chosen = []
    for number in range(len(LABELS)):
        of_emotion = known["label"] == number
        of_speaker = of_emotion & (known["speaker"] == speakers[number % len(speakers)])
        names = sorted(known["name"][of_speaker if of_speaker.any() else of_emotion])
        chosen += [paths[name] for name in names[:1]]
    return chosen


@contextmanager
def _server(models: Path, port: int) -> Iterator[str]:
    """Run `ser serve` in the background. Yields its address as soon as it listens."""
    command = ["serve", str(models), "--grpc-port", str(port), "--rest-port", "0"]
    print(f"$ ser {' '.join(command)} &", flush=True)
    process = subprocess.Popen([*_SER, *command], stdout=subprocess.PIPE, text=True)
    try:
        address = None
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if line.startswith("Listening on "):
                address = line.split()[2]
                break
        if address is None:
            raise UserError("`ser serve` ended before it listened; its message is above")
        yield address
    finally:
        process.terminate()
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _title(text: str) -> None:
    print(f"\n=== {text}", flush=True)


def _ser(*arguments: str) -> None:
    print(f"$ ser {' '.join(arguments)}", flush=True)
    done = subprocess.run([*_SER, *arguments], check=False)
    if done.returncode:
        raise UserError(f"`ser {arguments[0]}` ended with status {done.returncode}; its message is above")
