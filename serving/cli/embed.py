"""The command `ser embed`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_pipeline.cli.options import ChosenTrack
from data_pipeline.errors import UserError

if TYPE_CHECKING:
    import numpy as np

_FORMATS = (".npz", ".parquet")


def embed(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|MODEL",
            help="A run folder, or the folder of an exported model: MODELS/NAME or MODELS/NAME/VERSION.",
        ),
    ],
    audio: Annotated[
        list[str],
        typer.Argument(
            metavar="AUDIO...",
            help="Audio files of any format, folders, in which every audio file is taken, or URLs.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option(help="File to write: .npz or .parquet.", show_default=False)],
    track: ChosenTrack = None,
) -> None:
    """Write the embeddings of audio files: what a model makes of a clip before its last layers.

    They are features for models of your own: a nearest neighbour search, a classifier of other labels, a plot. A file
    that cannot be judged (damaged, silent, not speech, or with the two parties of a call) is reported and left out,
    and the exit status is 1.

    An .npz file has `audio` (strings [clips]), `embedding` (float32 [clips, size]) and `model` (a string); a .parquet
    file has the columns `audio` and `embedding` (a list of float32) and the model in its metadata.

    Examples: `ser embed out/run clips/ --output out/clips.parquet`, `ser embed models/ser calls/*.wav --output a.npz`
    """
    if output.suffix.lower() not in _FORMATS:
        raise UserError(f"{output} has another suffix than {' or '.join(_FORMATS)}: give one of these")
    if not output.parent.is_dir():
        raise UserError(f"there is no folder {output.parent} to write {output.name} to: make it first")

    import numpy as np

    from data_pipeline.cli.terminal import clip_progress
    from serving.cli.named_audio import named_audio
    from serving.errors import RecognitionError
    from serving.export.audio_embedder import AudioEmbedder

    embedder = AudioEmbedder(model)
    named = named_audio(audio)
    files: list[str] = []
    rows: list[np.ndarray] = []
    failed = []
    with clip_progress("files") as progress:
        task = progress.add_task("embeddings", total=len(named))
        embedded = embedder.embed_all((content for _, content in named), track)
        for (file, _), found in zip(named, embedded, strict=True):
            if isinstance(found, RecognitionError):
                failed.append(str(found) if file in str(found) else f"{file}: {found}")
            else:
                files.append(file)
                rows.append(found)
            progress.advance(task)
    for sentence in failed:
        typer.echo(f"left out: {sentence}", err=True)
    if not rows:
        raise UserError(f"none of {len(named):,} files could be judged, so that {output} was not written")
    _write(output, files, np.stack(rows), str(model))
    size = rows[0].size
    left_out = f", {len(failed):,} left out" if failed else ""
    typer.echo(f"written: {output}, embeddings of {len(files):,} files, {size:,} numbers each{left_out}")
    if failed:
        raise typer.Exit(1)


def _write(output: Path, files: list[str], values: "np.ndarray", model: str) -> None:
    import numpy as np

    from data_pipeline.storage.atomic_file import replacing

    with replacing(output) as part:
        if output.suffix.lower() == ".npz":
            with part.open("wb") as file:
                np.savez(file, audio=np.array(files), embedding=values, model=np.array(model))
            return
        import pyarrow as pa
        import pyarrow.parquet

        column = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
        table = pa.table({"audio": pa.array(files), "embedding": column}, metadata={"model": model})
        pyarrow.parquet.write_table(table, part)
