"""Check `ser retrain` on real speech: it must promote a better challenger and keep the champion if labels are wrong."""

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
    """Clips, divided by the role of their speakers.

    Attributes:
        first: Training clips of the champion.
        second: Training clips that are added as new data.
        validation: Clips that choose the epoch of the champion and of all challengers.
        measuring: Clips on which the models are measured. No model is trained on their speakers.
    """

    first: "list[Clip]"
    second: "list[Clip]"
    validation: "list[Clip]"
    measuring: "list[Clip]"


@dataclass(frozen=True, slots=True)
class Scenario:
    """New data, and the expected result of `ser retrain`.

    Attributes:
        title: Title of the row in the table.
        folder: Name of the folder inside that of the benchmark.
        status: Expected exit status of `ser retrain`.
        clips: The new clips.
        named: Group that the reasons of the decision are expected to name, or an empty string.
    """

    title: str
    folder: str
    status: int
    clips: "list[Clip]"
    named: str = ""


def main(
    source: Annotated[str, typer.Argument(help="A corpus and its folder, such as `crema_d=path/to/CREMA-D`.")],
    out: Annotated[Path, typer.Argument(help="Folder for all files; the same command continues an interrupted one.")],
    weights: Annotated[Path, typer.Option(help="Initial weights, a `yamnet.h5`.")],
    preset: Annotated[str, typer.Option(help="Preset of `ser train mobilenet`.")] = "telephone",
    epochs: Annotated[int, typer.Option(help="Number of epochs of the champion and of each challenger.", min=1)] = 8,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Train a champion on half of the training actors, and challenge it three times with `ser retrain`.

    The new data are first the other half of the actors, then all actors with shuffled labels, then all actors with the
    women's labels shuffled. A third of the corpus's actors are used for measuring and a ninth for choosing the epoch;
    no model is trained on them.

    The claim, in `docs/retraining.md`: `ser retrain` promotes a challenger that learned from more speakers, and none
    that learned from wrong labels.

    Example: `python -m benchmarks.retraining crema_d=path/to/CREMA-D out/retraining --weights yamnet.h5`
    """
    from data_pipeline.corpora.sources import parse_sources

    [(corpus, place)] = parse_sources([source])
    clips = list(corpus.clips(place))
    actors = divide(clips, corpus.speaker_splits)
    scenarios = scenarios_of(actors)
    first = [(actors.first, "train"), (actors.validation, "validation"), (actors.measuring, "test")]
    data = {"first": first} | {one.folder: [(one.clips, "train")] for one in scenarios}
    for name, splits in data.items():
        _prepare(splits, out / "manifests" / f"{name}.csv", out / "data" / name)
    _champion(out, weights, preset, epochs)
    found = [(one, *_challenge(one, out)) for one in scenarios]
    _show(found, json_file)


def divide(clips: "Sequence[Clip]", speaker_splits: "Callable[[Sequence[Clip]], Any]") -> Actors:
    """Assign speakers to the roles, with the same proportions among women and men.

    Args:
        clips: Clips of a corpus. Its test speakers are left out, because they are reserved for the final figures.
        speaker_splits: The corpus's own split by speaker.
    """
    measuring, others = _cut([clip for clip in clips if speaker_splits(clips)[clip.speaker] != "test"], 3)
    validation, training = _cut(others, 6)
    first, second = _cut(training, 2)
    return Actors(first, second, validation, measuring)


def _cut(clips: "Sequence[Clip]", parts: int) -> "tuple[list[Clip], list[Clip]]":
    """The clips of one of several equal parts of the speakers, and the remaining clips."""
    from data_pipeline.prepare.split_kind import Fold

    splits = Fold(1, parts).assign(clips, lambda some: dict.fromkeys((clip.speaker for clip in some), "train"))
    taken = [clip for clip in clips if splits[clip.name] == "validation"]
    return taken, [clip for clip in clips if splits[clip.name] != "validation"]


def scenarios_of(actors: Actors) -> list[Scenario]:
    """The three scenarios.

    Args:
        actors: Clips by role.
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
    """The same clips with their emotions permuted."""
    import numpy as np

    order = np.random.default_rng(0).permutation(len(clips))
    return [replace(clip, emotion=clips[other].emotion) for clip, other in zip(clips, order, strict=True)]


def _prepare(splits: "Sequence[tuple[Sequence[Clip], str]]", manifest: Path, folder: Path) -> None:
    import csv
    import io

    from data_pipeline.storage.atomic_file import write_text

    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("name", "path", "emotion", "speaker", "sex", "age", "split"))
    for clip, split in ((clip, split) for clips, split in splits for clip in clips):
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
    """The exit status of `ser retrain` and its `decision.json`. Each scenario has its own copy of the repository."""
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


def _show(found: "Sequence[tuple[Scenario, int, dict[str, Any]]]", json_file: Path | None) -> None:
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
            f"{'as expected' if right else 'WRONG'}\n  {reasons}"
        )
        figures.append({"scenario": scenario.title, "status": status, "right": right, "decision": decision})
    speakers = found[0][2]["overall"]["speakers"]
    show(
        f"UA on {speakers} actors on whom no model was trained, mean of clean and telephone; in points",
        ("", "champion", "challenger", "difference", "from", "to", "smallest detectable"),
        rows,
        "\n".join(verdicts),
        figures,
        json_file,
    )


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
