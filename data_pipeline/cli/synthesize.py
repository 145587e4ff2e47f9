"""`ser data synthesize`."""

from pathlib import Path
from typing import Annotated

import typer

from data_pipeline.cli.terminal import clip_progress


def synthesize(
    folder: Annotated[Path, typer.Argument(help="Folder for the audio files; made if it is missing.")],
    speakers: Annotated[int, typer.Option(help="Number of voices.", min=1)] = 20,
    clips_per_emotion: Annotated[
        int, typer.Option(help="Number of utterances of each voice in each emotion.", min=1)
    ] = 8,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.", min=0)] = 0,
) -> None:
    """Make a corpus of machine speech, for demonstrations and tests without recorded speech.

    Emotions differ in pitch, rate, loudness and voice quality as the literature describes them. What a model scores on
    this corpus says nothing about people.

    Example: `ser data synthesize out/corpus --speakers 20`,
    then `ser data prepare synthetic out/corpus out/data`
    """
    from data_pipeline.corpora.synthetic import synthesize as synthesize_corpus
    from data_pipeline.emotion import LABELS

    with clip_progress() as progress:
        task = progress.add_task("synthesising", total=speakers * len(LABELS) * clips_per_emotion)
        clips = synthesize_corpus(
            folder,
            speakers=speakers,
            clips_per_emotion=clips_per_emotion,
            seed=seed,
            on_clip=lambda *_: progress.advance(task),
        )
    typer.echo(f"{clips} synthetic clips in {folder}\nnext: ser data prepare synthetic {folder} DATASET")
