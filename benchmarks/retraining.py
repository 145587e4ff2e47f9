"""Retraining on real speech: does it promote what is better, and keep the champion where labels are wrong?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from data_pipeline.clip import Clip

_PROMOTED, _KEPT = 0, 3
"""Exit statuses of `ser retrain`."""


@dataclass(frozen=True, slots=True)
class Actors:
    """Clips by what their speakers do.

    Attributes:
        first: The champion trains on them.
        second: Come later, as new data.
        validation: Choose the epoch, of champion and challengers alike.
        measuring: Nobody trains on them.
    """

    first: "list[Clip]"
    second: "list[Clip]"
    validation: "list[Clip]"
    measuring: "list[Clip]"


@dataclass(frozen=True, slots=True)
class Scenario:
    """New data, and what should come of it.

    Attributes:
        title: Of the row in the table.
        folder: Below the benchmark's.
        status: Exit status that `ser retrain` should have.
        clips: What is new.
        named: What the reasons should name, or an empty string.
    """

    title: str
    folder: str
    status: int
    clips: "list[Clip]"
    named: str = ""


def main(
    source: Annotated[str, typer.Argument(help="A corpus and where it lies, as `crema_d=path/to/CREMA-D`.")],
    out: Annotated[Path, typer.Argument(help="Where everything is kept; the same command goes on where it stopped.")],
    weights: Annotated[Path, typer.Option(help="A `yamnet.h5`.")],
    preset: Annotated[str, typer.Option(help="See `ser train mobilenet`.")] = "telephone",
    epochs: Annotated[int, typer.Option(help="Of champion and challengers.", min=1)] = 8,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Train a champion on half of the training actors and challenge it three times, each time with `ser retrain`.

    With the other half of the actors; with all of them, their labels shuffled; and with all of them, the labels of the
    women shuffled. A third of the corpus's actors measure, a ninth choose the epoch, and neither ever trains.

    Example: `python -m benchmarks.retraining crema_d=path/to/CREMA-D out/retraining --weights yamnet.h5`
    """
    from data_pipeline.corpora.sources import parse_sources

    [(corpus, place)] = parse_sources([source])
    clips = list(corpus.clips(place))
    actors = divide(clips, corpus.speaker_splits)
    scenarios = scenarios_of(actors)
    data = {"first": _labelled(actors)} | {one.folder: _new(one.clips) for one in scenarios}
    for name, lines in data.items():
        _prepare(lines, out / "manifests" / f"{name}.csv", out / "data" / name)
    _champion(out, weights, preset, epochs)
    found = [(one, *_challenge(one, out)) for one in scenarios]
    _tell(found, json_file)


def divide(clips: "Sequence[Clip]", speaker_splits: "Callable[[Sequence[Clip]], Any]") -> Actors:
    """Which speakers do what, women and men alike.

    Args:
        clips: Of a corpus. Its test speakers are left out: they are for the final figures.
        speaker_splits: The corpus's own split.
    """
    measuring, others = _cut([clip for clip in clips if speaker_splits(clips)[clip.speaker] != "test"], 3)
    validation, training = _cut(others, 6)
    first, second = _cut(training, 2)
    return Actors(first, second, validation, measuring)


def _cut(clips: "Sequence[Clip]", parts: int) -> "tuple[list[Clip], list[Clip]]":
    """One of several equal parts of the speakers, and the rest."""
    from data_pipeline.prepare.split_kind import Fold

    splits = Fold(1, parts).assign(clips, lambda some: dict.fromkeys((clip.speaker for clip in some), "train"))
    taken = [clip for clip in clips if splits[clip.name] == "validation"]
    return taken, [clip for clip in clips if splits[clip.name] != "validation"]


def scenarios_of(actors: Actors) -> list[Scenario]:
    """The three challenges.

    Args:
        actors: Who is there.
    """
    everybody = [*actors.first, *actors.second]
    women = [clip for clip in everybody if clip.sex == "female"]
    men = [clip for clip in everybody if clip.sex != "female"]
    return [
        Scenario("the other half of the actors", "more", _PROMOTED, actors.second),
        Scenario("all actors, labels shuffled", "shuffled", _KEPT, shuffled(everybody)),
        Scenario("all actors, women's labels shuffled", "women", _KEPT, [*shuffled(women), *men], "female"),
    ]


def shuffled(clips: "Sequence[Clip]") -> "list[Clip]":
    """The same clips with each other's emotions."""
    import numpy as np

    order = np.random.default_rng(0).permutation(len(clips))
    return [replace(clip, emotion=clips[other].emotion) for clip, other in zip(clips, order, strict=True)]


def _labelled(actors: Actors) -> "list[tuple[Clip, str]]":
    splits = ((actors.first, "train"), (actors.validation, "validation"), (actors.measuring, "test"))
    return [(clip, split) for clips, split in splits for clip in clips]


def _new(clips: "Sequence[Clip]") -> "list[tuple[Clip, str]]":
    return [(clip, "train") for clip in clips]


def _prepare(lines: "Sequence[tuple[Clip, str]]", manifest: Path, folder: Path) -> None:
    import csv
    import io

    from data_pipeline.storage.atomic_file import write_text

    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("name", "path", "emotion", "speaker", "sex", "age", "split"))
    for clip, split in lines:
        path = Path(clip.file.location).resolve()
        rows.writerow((clip.name, path, clip.emotion, clip.speaker, clip.sex, clip.age or "", split))
    manifest.parent.mkdir(parents=True, exist_ok=True)
    write_text(manifest, text.getvalue())
    _ser("data", "prepare", f"manifest={manifest}", str(folder))


def _champion(out: Path, weights: Path, preset: str, epochs: int) -> None:
    run, models = out / "champion", out / "models"
    if (models / "ser").exists():
        return
    if not (run / "model.keras").exists() or (run / "state.npz").exists():
        options = ("--weights", str(weights), "--preset", preset, "--epochs", str(epochs))
        _ser("train", "mobilenet", str(out / "data" / "first"), str(run), *options)
    _ser("export", str(run), str(models))


def _challenge(scenario: Scenario, out: Path) -> tuple[int, dict[str, Any]]:
    """The exit status and what `decision.json` says; each scenario has a copy of the repository to itself."""
    import json
    import shutil

    models, output = out / scenario.folder / "models", out / scenario.folder / "challenge"
    if not models.exists():
        shutil.copytree(out / "models", models)
    data = ("--data", str(out / "data" / scenario.folder))
    status = _ser("retrain", *data, "--champion", str(models / "ser"), "--output", str(output), allowed=(0, _KEPT))
    return status, json.loads((output / "decision.json").read_text())


def _ser(*arguments: str, allowed: Sequence[int] = (0,)) -> int:
    import shlex
    import subprocess
    import sys

    from data_pipeline.errors import UserError

    typer.echo(f"$ ser {shlex.join(arguments)}")
    status = subprocess.run([sys.executable, "-m", "ser", *arguments], check=False).returncode
    if status not in allowed:
        raise UserError(f"ser {arguments[0]} ended with {status}: see above")
    return status


def _tell(found: "Sequence[tuple[Scenario, int, dict[str, Any]]]", json_file: Path | None) -> None:
    from benchmarks.report import show

    rows, verdicts, figures = [], [], []
    for scenario, status, decision in found:
        overall, reasons = decision["overall"], " ".join(decision["reasons"])
        difference = (overall["value"], overall["low"], overall["high"], decision["detectable"])
        row = (overall["champion"], overall["challenger"], *difference)
        rows.append((scenario.title, tuple(100 * value for value in row)))
        right = status == scenario.status and scenario.named in reasons
        verdicts.append(
            f"{scenario.title}: {decision['outcome']}, exit status {status}, "
            f"{'as it should be' if right else 'WRONG'}\n  {reasons}"
        )
        figures.append({"scenario": scenario.title, "status": status, "right": right, "decision": decision})
    speakers = found[0][2]["overall"]["speakers"]
    show(
        f"UA on {speakers} actors whom neither model knows, mean of clean and telephone; in points",
        ("", "champion", "challenger", "difference", "from", "to", "smallest detectable"),
        rows,
        "\n".join(verdicts),
        figures,
        json_file,
    )


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
