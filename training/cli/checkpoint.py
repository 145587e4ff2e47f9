"""The commands `ser checkpoint fetch` and `ser checkpoint inspect`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from training.checkpoint.hub import Plan

checkpoint_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Fetch and look into pretrained wav2vec 2.0 and HuBERT checkpoints of the Hugging Face hub.",
)


@checkpoint_app.command(no_args_is_help=True)
def fetch(
    name: Annotated[str, typer.Argument(help="`owner/name`, as on the hub.")],
    out: Annotated[
        Path | None, typer.Argument(help="Also copy it into this folder, as plain files; made if it is missing.")
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="A branch, a tag or a commit; the main branch unless given.", metavar="REV")
    ] = None,
) -> None:
    """Fetch a checkpoint from the hub into its cache.

    Only what is needed: `config.json`, `preprocessor_config.json` and the weights, as `model.safetensors` where there
    is one (`pytorch_model.bin` can be read only with PyTorch installed). What is in the cache already is not fetched
    again. The commit that is printed, given as `--revision`, names these very weights for ever.

    With `OUT` it can be carried to a machine without network, where the folder is given in place of the name.

    `HF_HOME` says where the cache lies, `HF_ENDPOINT` which hub is asked, `HF_TOKEN` who asks (for private checkpoints
    and those with terms to accept), `HF_HUB_OFFLINE=1` that none is asked.

    Examples: `ser checkpoint fetch facebook/wav2vec2-base`,
    `ser checkpoint fetch facebook/hubert-base-ls960 out/hubert --revision main`
    """
    from data_pipeline.errors import UserError
    from training.checkpoint.checkpoint import fetch as fetch_checkpoint
    from training.checkpoint.checkpoint import local_folder
    from training.checkpoint.plain_copy import check_place, copy_plain

    if local_folder(name) is not None:
        raise UserError(f"{name} is a folder on this machine: give owner/name of a checkpoint on the hub")
    if out:
        check_place(out)
    checkpoint, files = fetch_checkpoint(name, revision, lambda plan: _announce(name, plan))
    place = checkpoint.folder
    if out:
        copy_plain(checkpoint.folder, files, out)
        place = out
    size = sum((place / file).stat().st_size for file in files)
    typer.echo(
        f"revision: {checkpoint.revision}\n"
        f"{len(files)} files, {size / 1e6:,.1f} MB: {place}\n"
        f"next: ser checkpoint inspect {out or name}"
    )


def _announce(name: str, plan: "Plan") -> None:
    from huggingface_hub import constants

    if not plan.sizes:
        typer.echo(f"{name}: in the cache already, nothing to fetch")
        return
    sizes = [size for size in plan.sizes.values() if size is not None]
    known = f"{sum(sizes) / 1e6:,.1f} MB" if len(sizes) == len(plan.sizes) else "of unknown size"
    page = f"{constants.ENDPOINT}/{name}"
    typer.echo(
        f"{name}\n  {page}\nlicence: {plan.licence or 'not stated'}; its terms are on that page\n"
        f"weights: {', '.join(plan.sizes)}, {known}"
    )


@checkpoint_app.command(no_args_is_help=True)
def inspect(
    name_or_folder: Annotated[
        str, typer.Argument(metavar="NAME_OR_FOLDER", help="`owner/name` on the hub, or a folder with a checkpoint.")
    ],
    revision: Annotated[str | None, typer.Option(help="A branch, a tag or a commit of the hub.", metavar="REV")] = None,
    every: Annotated[bool, typer.Option("--all", help="List every tensor, with its file.")] = False,
) -> None:
    """Show what is in a checkpoint: network, normalisation, tensors, and what would be left out.

    Left out are heads (of speech recognition or classification), what only pretraining needs, and adapters; the
    backbone is the rest. The numbers themselves are not read, so this is quick for large files too. A checkpoint of
    the hub that is not in the cache is fetched.

    Examples: `ser checkpoint inspect facebook/wav2vec2-base`, `ser checkpoint inspect out/hubert --all`
    """
    from rich.console import Console
    from rich.table import Table

    from training.checkpoint import open_checkpoint
    from training.checkpoint.summary import facts, groups

    checkpoint = open_checkpoint(name_or_folder, revision)
    tensors = checkpoint.tensors()
    console = Console(highlight=False)
    head = Table(title=checkpoint.source, show_header=False, title_justify="left")
    head.add_column(no_wrap=True)
    head.add_column(overflow="fold")
    for fact, text in facts(checkpoint, tensors).items():
        head.add_row(fact, text)
    table = Table("tensor", "number", "shape", "type", "use", title="tensors", title_justify="left")
    table.columns[0].overflow = "fold"
    if every:
        table.add_column("file")
        for tensor in sorted(tensors, key=lambda tensor: not tensor.used):
            table.add_row(tensor.name, "1", _shape(tensor.shape), tensor.dtype, _use(tensor.used), tensor.file.name)
    else:
        for group in groups(tensors):
            shapes = " or ".join(map(_shape, group.shapes))
            table.add_row(group.name, str(group.count), shapes, ", ".join(group.dtypes), _use(group.used))
    console.print(head)
    console.print(table)


def _shape(sizes: tuple[int, ...]) -> str:
    return " × ".join(map(str, sizes)) or "a scalar"


def _use(used: bool) -> str:
    return "backbone" if used else "left out"
