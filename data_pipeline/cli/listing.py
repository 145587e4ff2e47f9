"""`ser data list`."""

import textwrap

import typer

_WIDTH = 80
_INDENT = " " * 4


def list_corpora() -> None:
    """List the corpora that `ser data prepare` knows: size, speakers, language, labels, licence and link.

    `manifest` and `folders` are your own recordings.

    Example: `ser data list`
    """
    from data_pipeline.corpora import CORPORA, open_corpus

    for corpus in map(open_corpus, CORPORA):
        typer.echo(typer.style(corpus.name, bold=True) + f"  {corpus.title}")
        facts = {
            "size": corpus.size,
            "speakers": corpus.speakers,
            "language": corpus.language,
            "labels": ", ".join(corpus.emotions),
            "licence": corpus.licence,
            "link": corpus.url,
            "caution": corpus.caution,
        }
        for fact, text in facts.items():
            if text:
                typer.echo(_line(fact, text))
        typer.echo()
    typer.echo("make a dataset of one or several: ser data prepare NAME=PLACE ... OUT")


def _line(fact: str, text: str) -> str:
    """A fact in its column, wrapped without breaking links."""
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=f"{_INDENT}{fact:10}",
        subsequent_indent=_INDENT + " " * 10,
        break_long_words=False,
        break_on_hyphens=False,
    )
