"""Options that several commands share."""

from typing import Annotated

import typer

from data_pipeline.audio.track import Track

ChosenTrack = Annotated[
    Track | None,
    typer.Option(
        "--track",
        help="Channel of recordings with several: `left` (the first), `right` (the second) or `mix` (their mean). "
        "Without it, channels that are the same are taken, and channels that differ, such as the two parties of a "
        "call, are refused.",
    ),
]
