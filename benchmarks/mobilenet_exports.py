"""Compare the float32 and the bfloat16 export of a run: accuracy, size and computation time."""

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import numpy as np

    from data_pipeline.dataset import Dataset
    from serving.server.servable import Servable

_DTYPES = ("float32", "bfloat16")
_BATCHES = (8, 1)


def main(
    run: Annotated[Path, typer.Argument(help="A run folder (`ser train`).")],
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    split: Annotated[
        str, typer.Option(help="Split to measure on: `train`, `validation`, `test` or `all`.")
    ] = "validation",
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Export a run in float32 and in bfloat16, and let both recognise the same clips in turn, batch by batch.

    The claim, in `docs/mobilenet.md`: an export in bfloat16 is smaller and as accurate, and faster with several clips a
    call.

    Example: `python -m benchmarks.mobilenet_exports out/run out/data`
    """
    import numpy as np

    from benchmarks.report import show
    from data_pipeline import input_pipeline
    from data_pipeline.dataset import Dataset
    from data_pipeline.targets import Target
    from serving.export.saved_model import export_model
    from serving.server.servable import Servable
    from training.evaluation import metrics
    from training.run.folder import Run

    opened, dataset = Run.open(run), Dataset.open(data)
    known = input_pipeline.descriptions(dataset, split, Target(opened.labels))
    figures: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        versions = {dtype: export_model(opened.recogniser(), Path(folder), dtype, dtype=dtype) for dtype in _DTYPES}
        servables = {dtype: Servable.load(dtype, 1, version) for dtype, version in versions.items()}
        for dtype, version in versions.items():
            size = sum(file.stat().st_size for file in version.rglob("*") if file.is_file())
            figures[dtype] = {"megabytes": size / 1e6}
        for batch in _BATCHES:
            said, taken = _judge(servables, dataset, split, opened.labels, batch)
            for dtype in _DTYPES:
                figures[dtype][f"milliseconds_a_clip_{batch}"] = 1e3 * taken[dtype] / len(said[dtype])
                if batch == max(_BATCHES):
                    found = metrics.compute_metrics(said[dtype], known["label"], known["speaker"], opened.labels)
                    figures[dtype] |= {key: found[key] for key in ("wa", "wa_interval", "ua", "macro_f1")}
    same = float((said["float32"].argmax(1) == said["bfloat16"].argmax(1)).mean())
    apart = float(np.abs(said["float32"] - said["bfloat16"]).max())
    show(
        f"{len(known['label']):,} {split} clips of {', '.join(dataset.corpora)}",
        ("", "WA, %", "UA, %", "MB", *(f"ms a clip, {batch} a call" for batch in _BATCHES)),
        [
            (
                dtype,
                (
                    *(100 * figures[dtype][key] for key in ("wa", "ua")),
                    figures[dtype]["megabytes"],
                    *(figures[dtype][f"milliseconds_a_clip_{batch}"] for batch in _BATCHES),
                ),
            )
            for dtype in _DTYPES
        ],
        f"{same:.1%} of the clips get the same emotion; probabilities differ by {apart:.3f} at most",
        {"dtypes": figures, "same": same, "largest_difference": apart},
        json_file,
    )


def _judge(
    servables: "dict[str, Servable]", dataset: "Dataset", split: str, labels: tuple[str, ...], batch: int
) -> "tuple[dict[str, np.ndarray], dict[str, float]]":
    """Probabilities [clips, classes] and seconds of each."""
    import numpy as np

    from data_pipeline import input_pipeline
    from data_pipeline.targets import Target

    answers: dict[str, list[np.ndarray]] = {name: [] for name in servables}
    taken = dict.fromkeys(servables, 0.0)
    clips = input_pipeline.waveforms(dataset, split, batch_size=batch, target=Target(labels))
    for number, (features, _) in enumerate(clips.as_numpy_iterator()):
        for name, servable in servables.items():
            if not number:  # the first run prepares the graph
                servable.run("serving_default", features)
            started = time.perf_counter()
            answer = servable.run("serving_default", features)
            taken[name] += time.perf_counter() - started
            answers[name].append(answer["probabilities"])
    return {name: np.concatenate(parts) for name, parts in answers.items()}, taken


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
