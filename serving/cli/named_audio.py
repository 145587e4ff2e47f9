"""The audio that a user names: files, folders, URLs, standard input."""

import sys
from collections.abc import Sequence
from typing import BinaryIO

import typer

from data_pipeline.audio.audio_files import audio_in, by_suffix
from data_pipeline.errors import UserError


def named_audio(places: Sequence[str]) -> list[tuple[str, str | BinaryIO]]:
    """The files at places, each with what is to be read: its path, or standard input.

    What is passed over in folders is counted on standard error.

    Args:
        places: Files, folders, URLs, or `-`.

    Raises:
        UserError: If a folder holds no audio.
    """
    found: list[tuple[str, str | BinaryIO]] = []
    for place in places:
        if place == "-":
            found.append(("-", sys.stdin.buffer))
            continue
        files = audio_in(place)
        if files is None:
            found.append((place, place))
            continue
        if not files.audio:
            raise UserError(f"{place} holds no audio files: give a folder that does")
        found += [(file.location, file.location) for file in files.audio]
        if files.others:
            words = by_suffix(file.name for file in files.others)
            typer.echo(f"{place}: passed over, not audio by their suffixes: {words}", err=True)
    return found
