"""Everything that there is to see of a prepared dataset, written to a folder."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.dataset import Dataset
from data_pipeline.emotion import PALETTE, Emotion
from data_pipeline.errors import UserError
from data_pipeline.pages.page import Plot, Section, Table, page
from data_pipeline.pages.style import png
from data_pipeline.plots import augmentation, distributions, votes
from data_pipeline.plots.clip_table import ClipTable, read_table, read_waveforms
from data_pipeline.plots.examples import LONGEST, choose_examples, examples
from data_pipeline.splits import SPLITS
from data_pipeline.storage.atomic_file import replacing, write_text

_SETTINGS = LogMelSettings()


@dataclass(frozen=True, slots=True)
class DatasetPlots:
    """What was written.

    Attributes:
        page: The page that holds all figures.
        figures: The PNG files beside it.
    """

    page: Path
    figures: tuple[Path, ...]


def plot_dataset(
    dataset: Dataset,
    out: Path,
    split: str = "all",
    seed: int = 0,
    augment: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> DatasetPlots:
    """Write figures of a dataset as PNG files, and `index.html`, which holds them all.

    Files of an earlier call are replaced. Beside them the folder may hold anything; nothing is deleted.

    Args:
        dataset: A prepared dataset.
        out: The folder to write to; made if it is missing.
        split: `train`, `validation`, `test`, or `all` of them.
        seed: Decides which clips are shown as examples, and what the changes of `augment` draw.
        augment: Whether to show what augmentation does to a clip.
        on_progress: Called with the number of sections done and of all.

    Raises:
        UserError: If there is no such side, no clip, or `out` cannot be written to.
    """
    sides = SPLITS if split == "all" else (split,)
    if split != "all":
        dataset.split(split)
    table = read_table(dataset, sides)
    _make_folder(out)
    parts = _sections(dataset, table, seed, augment)
    sections, figures = [], []
    for done, draw in enumerate(parts):
        if on_progress:
            on_progress(done, len(parts))
        sections.append(draw())
        for plot in sections[-1].plots:
            figures.append(out / plot.file_name)
            with replacing(figures[-1]) as part:
                part.write_bytes(plot.png)
    what = ", ".join(table.corpora) + ("" if split == "all" else f": the {split} side")
    index = out / "index.html"
    write_text(index, page(what, _facts(dataset, table), _notices(dataset, split), sections))
    if on_progress:
        on_progress(len(parts), len(parts))
    return DatasetPlots(index, tuple(figures))


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise UserError(f"{out} is a file: give a folder for the plots") from error
    except OSError as error:
        raise UserError(f"{out} cannot be made ({error.strerror}): choose another place") from error


def _sections(dataset: Dataset, table: ClipTable, seed: int, augment: bool) -> list[Callable[[], Section]]:
    """The parts of the page, not drawn yet."""
    drawn: list[Callable[[], Section]] = [
        partial(_classes, table),
        partial(_durations, table),
        partial(_speakers, table),
    ]
    if np.isin(table.sex, distributions.SEXES[:2]).any():
        drawn.append(partial(_sexes, table))
    counts = votes.count_votes(table)
    if counts is not None:
        drawn.append(partial(_votes, counts, len(table)))
    chosen = choose_examples(table, seed)
    waveforms = read_waveforms(dataset, table, list(chosen.values()))
    drawn.append(partial(_examples, table, chosen, waveforms))
    if augment:
        drawn.append(partial(_augmentation, table, chosen, waveforms, seed))
    return drawn


def _facts(dataset: Dataset, table: ClipTable) -> list[tuple[str, str]]:
    unknown = int((~table.speaker_known).sum())
    return [
        ("clips", f"{len(table):,}"),
        ("audio", _duration(float(table.seconds.sum()))),
        ("speakers", f"{table.speakers:,}" + (f", and {unknown:,} clips of unknown ones" if unknown else "")),
        ("emotions", str(len(table.emotions))),
        ("split", dataset.split_kind),
        ("sides", ", ".join(f"{side} {int((table.side == side).sum()):,}" for side in table.sides)),
        ("fingerprint", dataset.fingerprint[:12]),
    ]


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7_200 else f"{seconds / 3_600:.2f} h"


def _notices(dataset: Dataset, split: str) -> list[str]:
    found = []
    if dataset.synthetic:
        found.append(
            "There is synthetic speech in this dataset, made by a machine: what it shows says nothing about people."
        )
    if dataset.split_kind == "random":
        found.append(
            "The split is clip by clip: the same speakers are on every side, so that figures made from it flatter; "
            "for comparison only."
        )
    if dataset.speakers_unknown:
        found.append(
            f"Nothing tells who speaks in {dataset.speakers_unknown:,} of the clips. Each of these counts as a speaker "
            "of its own, so that a person may be heard on two sides."
        )
    empty = [side for side in SPLITS if side not in dataset.splits or not dataset.splits[side].clips]
    if empty and split == "all":
        found.append(f"No clip is on the {' or '.join(empty)} side of the split.")
    return found


def _classes(table: ClipTable) -> Section:
    figure = distributions.class_distribution(table)
    return Section(
        "Emotions",
        "How many clips were acted, or labelled, with each emotion.",
        (Plot("class_distribution", png(figure), "Bars of the clips of each emotion, by corpus and side"),),
        (_class_table(table),),
    )


def _class_table(table: ClipTable) -> Table:
    rows = []
    for corpus in table.corpora:
        for side in table.sides:
            part = table.where((table.corpus == corpus) & (table.side == side))
            if not len(part):
                continue
            counts = [int((part.emotion == emotion).sum()) for emotion in table.emotions]
            figures = [*counts, len(part), part.speakers]
            rows.append((f"{corpus}, {side}", *(f"{n:,}" for n in figures), f"{part.seconds.sum() / 60:.1f}"))
    return Table(("corpus, side", *table.emotions, "clips", "speakers", "minutes"), tuple(rows))


def _durations(table: ClipTable) -> Section:
    figure = distributions.durations(table)
    return Section(
        "Durations",
        "Lengths of the clips. On the left all of a corpus, on the right emotion by emotion, drawn on one scale; "
        "dashed lines are medians.",
        (Plot("durations", png(figure), "Histograms of the clips' lengths in seconds, by corpus and emotion"),),
    )


def _speakers(table: ClipTable) -> Section:
    figure = distributions.speaker_emotions(table)
    unknown = int((~table.speaker_known).sum())
    left_out = f" Clips whose speaker is unknown, {unknown:,} in all, are left out." if unknown else ""
    text = f"How many clips each speaker has of each emotion; the strip above tells the side of the split.{left_out}"
    if figure is None:
        return Section("Speakers", "The speaker of no clip is known.")
    return Section(
        "Speakers",
        text,
        (Plot("speakers", png(figure), "A map of the clips of each speaker in each emotion"),),
    )


def _sexes(table: ClipTable) -> Section:
    rows = []
    for row in distributions.count_sexes(table):
        pairs = zip(row.speakers, row.clips, strict=True)
        figures = (f"{speakers:,} ({clips:,})" for speakers, clips in pairs)
        rows.append((f"{row.corpus}, {row.side}", *figures))
    return Section(
        "Women and men",
        "Shares of the clips that women and men speak; the table counts speakers, and their clips in brackets.",
        (Plot("sexes", png(distributions.sexes(table)), "Bars of the shares of women's and men's clips, by side"),),
        (Table(("corpus, side", *distributions.SEXES), tuple(rows)),),
    )


def _votes(counts: votes.VoteCounts, clips: int) -> Section:
    rows = [
        (emotion, f"{int(voted):,}", f"{int(cast):,}", f"{of_votes:.1%}", f"{of_clips:.1%}", f"{int(undecided):,}")
        for emotion, voted, cast, of_votes, of_clips, undecided in zip(
            counts.acted,
            counts.clips,
            counts.votes.sum(axis=1),
            counts.agreement_of_votes,
            counts.agreement_of_clips,
            counts.undecided,
            strict=True,
        )
    ]
    voted, cast = int(counts.clips.sum()), int(counts.votes.sum())
    overall = (f"{counts.overall_votes:.1%}", f"{counts.overall_clips:.1%}", f"{int(counts.undecided.sum()):,}")
    return Section(
        "Votes against acted emotions",
        f"Listeners voted on {voted:,} of the {clips:,} clips. They heard the acted emotion in "
        f"{counts.overall_votes:.1%} of {cast:,} votes; on {counts.overall_clips:.1%} of the clips it has more votes "
        "than any other emotion.",
        (Plot("votes", png(votes.votes_against_acted(counts)), "A matrix of acted and heard emotions, as shares"),),
        (
            Table(
                ("acted", "clips", "votes", "votes that agree", "clips heard as acted", "clips with a tie"),
                (*rows, ("all", f"{voted:,}", f"{cast:,}", *overall)),
            ),
        ),
    )


def _examples(table: ClipTable, chosen: dict[str, int], waveforms: list[np.ndarray]) -> Section:
    figure = examples(table, list(chosen.values()), waveforms, _SETTINGS)
    return Section(
        "Examples",
        "One clip an emotion, of one speaker and one sentence where the dataset has them: the waveform, and the "
        f"{_SETTINGS.num_bands}-band log-mel spectrogram. Spectrograms share one scale, a waveform has its own; "
        "its peak stands beside its name.",
        (Plot("examples", png(figure), "Waveform and log-mel spectrogram of one clip of each emotion"),),
    )


def _augmentation(table: ClipTable, chosen: dict[str, int], waveforms: list[np.ndarray], seed: int) -> Section:
    from data_pipeline.augment import examples as changes

    emotion, row = next(iter(chosen.items()))
    longest = round(LONGEST * SAMPLE_RATE)
    waveform, neighbour = waveforms[0][:longest], waveforms[-1][:longest]
    before, *waveform_changes = changes.examples(waveform, seed).items()
    fill = PALETTE[Emotion(emotion)]
    figures = {
        title: augmentation.waveform_change(title, before[1], after, fill, _SETTINGS)
        for title, after in waveform_changes
    }
    before, *spectrogram_changes = changes.spectrogram_examples(waveform, neighbour, _SETTINGS, seed).items()
    figures |= {
        title: augmentation.spectrogram_change(title, before[1], after, _SETTINGS)
        for title, after in spectrogram_changes
    }
    return Section(
        "Augmentation",
        f"{table.corpus[row]}/{table.name[row]} before and after each change that training can make to a clip, drawn "
        f"with seed {seed}, each alone and by the function that training uses.",
        tuple(
            Plot(_file_name(number, title), png(figure), f"A clip before and after: {title}")
            for number, (title, figure) in enumerate(figures.items(), start=1)
        ),
    )


def _file_name(number: int, title: str) -> str:
    words = re.findall(r"[a-z0-9]+", title.lower().replace("µ", "mu"))
    return "_".join(["augmentation", f"{number:02d}", *words])
