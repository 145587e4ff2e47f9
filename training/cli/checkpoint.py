"""The commands `ser checkpoint fetch` and `ser checkpoint inspect`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_pipeline.command_line import CommandLine

if TYPE_CHECKING:
    from training.checkpoint.hub import Download

checkpoint_app = CommandLine(
    no_args_is_help=True,
    help="Fetch and inspect pretrained checkpoints of the Hugging Face hub: wav2vec 2.0, HuBERT, WavLM, Whisper, AST.",
)


@checkpoint_app.command(no_args_is_help=True)
def fetch(
    name: Annotated[str, typer.Argument(help="`owner/name` of a checkpoint on the hub.")],
    out: Annotated[
        Path | None, typer.Argument(help="Folder to copy it to as well, as plain files; made if it is missing.")
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="A branch, tag or commit. Defaults to the main branch.", metavar="REV")
    ] = None,
) -> None:
    """Fetch a checkpoint from the hub into its cache.

    Only the needed files are fetched: `config.json`, `preprocessor_config.json` and the weights, from
    `model.safetensors` if there is one (`pytorch_model.bin` can be read only if PyTorch is installed). Files that are
    in the cache are not fetched again. The command prints the commit; with it as `--revision` you always get the same
    weights.

    With `OUT` the checkpoint can be taken to a machine without network, where the folder is given instead of the name.

    Environment variables: `HF_HOME` is the folder of the cache, `HF_ENDPOINT` the hub, `HF_TOKEN` your token (for
    private checkpoints and those with terms to accept), and `HF_HUB_OFFLINE=1` forbids network access.

    Examples: `ser checkpoint fetch facebook/wav2vec2-base`,
    `ser checkpoint fetch facebook/hubert-base-ls960 out/hubert --revision main`
    """
    from data_pipeline.errors import UserError
    from training.checkpoint.checkpoint import check_copy_folder, copy_files, local_folder
    from training.checkpoint.checkpoint import fetch as fetch_checkpoint

    if local_folder(name) is not None:
        raise UserError(f"{name} is a folder on this machine: give owner/name of a checkpoint on the hub")
    if out:
        check_copy_folder(out)
    checkpoint, files = fetch_checkpoint(name, revision, lambda download: _announce(name, download))
    place = checkpoint.folder
    if out:
        copy_files(checkpoint.folder, files, out)
        place = out
    size = sum((place / file).stat().st_size for file in files)
    typer.echo(
        f"revision: {checkpoint.revision}\n"
        f"{len(files)} files, {size / 1e6:,.1f} MB: {place}\n"
        f"next: ser checkpoint inspect {out or name}"
    )


def _announce(name: str, download: "Download") -> None:
    from huggingface_hub import constants

    if not download.sizes:
        typer.echo(f"{name}: in the cache already, nothing to fetch")
        return
    sizes = [size for size in download.sizes.values() if size is not None]
    known = f"{sum(sizes) / 1e6:,.1f} MB" if len(sizes) == len(download.sizes) else "of unknown size"
    page = f"{constants.ENDPOINT}/{name}"
    typer.echo(
        f"{name}\n  {page}\nlicence: {download.licence or 'not stated'}; its terms are on that page\n"
        f"weights: {', '.join(download.sizes)}, {known}"
    )


@checkpoint_app.command(no_args_is_help=True)
def inspect(
    name_or_folder: Annotated[
        str, typer.Argument(metavar="NAME_OR_FOLDER", help="`owner/name` on the hub, or a folder with a checkpoint.")
    ],
    revision: Annotated[str | None, typer.Option(help="A branch, tag or commit on the hub.", metavar="REV")] = None,
    every: Annotated[bool, typer.Option("--all", help="List every tensor, with its file.")] = False,
) -> None:
    """Show what is in a checkpoint: network, normalisation, tensors, and which of them are left out.

    Heads (of speech recognition or classification), tensors that only pretraining needs, and adapters are left out. The
    rest is the backbone. The weights are not read, so this is fast for large files too. A checkpoint of the hub that is
    not in the cache is fetched.

    Examples: `ser checkpoint inspect facebook/wav2vec2-base`, `ser checkpoint inspect out/hubert --all`
    """
    from rich.console import Console
    from rich.table import Table

    from training.checkpoint import open_checkpoint
    from training.checkpoint.summary import checkpoint_facts, tensor_groups

    checkpoint = open_checkpoint(name_or_folder, revision)
    tensors = checkpoint.tensors()
    console = Console(highlight=False)
    head = Table(title=checkpoint.source, show_header=False, title_justify="left")
    head.add_column(no_wrap=True)
    head.add_column(overflow="fold")
    for fact, text in checkpoint_facts(checkpoint, tensors).items():
        head.add_row(fact, text)
    table = Table("tensor", "number", "shape", "type", "use", title="tensors", title_justify="left")
    table.columns[0].overflow = "fold"
    if every:
        table.add_column("file")
        for tensor in sorted(tensors, key=lambda tensor: not tensor.used):
            table.add_row(tensor.name, "1", _shape(tensor.shape), tensor.dtype, _use(tensor.used), tensor.file.name)
    else:
        for group in tensor_groups(tensors):
            shapes = " or ".join(map(_shape, group.shapes))
            table.add_row(group.name, str(group.count), shapes, ", ".join(group.dtypes), _use(group.used))
    console.print(head)
    console.print(table)


def _shape(sizes: tuple[int, ...]) -> str:
    return " × ".join(map(str, sizes)) or "a scalar"


def _use(used: bool) -> str:
    return "backbone" if used else "left out"
