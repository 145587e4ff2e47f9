"""`ser data plot`: the figures of a prepared dataset as PNG files, and `index.html`, which shows them all."""

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
from data_pipeline.pages import Page, Plot, Section, Table, quantity, render
from data_pipeline.pages.figures import plot
from data_pipeline.plots import augmentation, distributions, votes
from data_pipeline.plots.clip_table import ClipTable, read_table, read_waveforms
from data_pipeline.plots.examples import LONGEST, choose_examples, examples
from data_pipeline.splits import SPLITS
from data_pipeline.storage.atomic_file import replacing, write_text

_SETTINGS = LogMelSettings()


@dataclass(frozen=True, slots=True)
class DatasetPlots:
    """Files that were written.

    Attributes:
        page: The page that shows all figures.
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
    """Write figures of a dataset as PNG files, and `index.html`, which shows them all.

    Files of an earlier call are replaced. Other files in the folder stay as they are.

    Args:
        dataset: A prepared dataset.
        out: The folder to write to; made if it is missing.
        split: `train`, `validation`, `test`, or `all` of them.
        seed: Decides which clips are shown as examples, and the random changes of `augment`.
        augment: Whether to show what augmentation does to a clip.
        on_progress: Called with the number of finished sections and the number of all.

    Raises:
        UserError: If there is no such split, no clip, or `out` cannot be written to.
    """
    if split != "all":
        dataset.split(split)
    table = read_table(dataset, SPLITS if split == "all" else (split,))
    _make_folder(out)
    parts = _sections(dataset, table, seed, augment)
    sections, figures = [], []
    for done, draw in enumerate(parts):
        if on_progress:
            on_progress(done, len(parts))
        sections.append(draw())
        for part in sections[-1].content:
            if isinstance(part, Plot):
                figures.append(out / part.file_name)
                with replacing(figures[-1]) as unfinished:
                    unfinished.write_bytes(part.png)
    title = ", ".join(table.corpora) + ("" if split == "all" else f": the {split} split")
    index = out / "index.html"
    write_text(index, render(Page(title, _facts(dataset, table), _notices(dataset, split), sections)))
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
    """Functions that draw the sections of the page."""
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
        ("speakers", f"{table.speakers:,}" + (f", and {quantity(unknown, 'clip')} of unknown ones" if unknown else "")),
        ("emotions", str(len(table.emotions))),
        ("kind of split", dataset.split_kind),
        ("splits", ", ".join(f"{split} {int((table.split == split).sum()):,}" for split in table.splits)),
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
            "This dataset contains synthetic speech, made by a machine: what it shows says nothing about people."
        )
    if dataset.split_kind == "random":
        found.append(
            "The split is clip by clip: the same speakers are in every split, so figures made from it are too good; "
            "for comparison only."
        )
    if dataset.speakers_unknown:
        found.append(
            f"The speaker of {quantity(dataset.speakers_unknown, 'clip')} is not known. Each of these clips counts as "
            "a speaker of its own, so one person may be in two splits."
        )
    empty = [name for name in SPLITS if name not in dataset.splits or not dataset.splits[name].clips]
    if empty and split == "all":
        found.append(f"The {' and '.join(empty)} {'split has' if len(empty) == 1 else 'splits have'} no clips.")
    return found


def _classes(table: ClipTable) -> Section:
    return Section(
        "Emotions",
        (
            "The number of clips that were acted, or labelled, with each emotion.",
            plot(
                "class_distribution",
                partial(distributions.class_distribution, table),
                "Bars: clips of each emotion, by corpus and split",
                as_file=True,
            ),
            _class_table(table),
        ),
    )


def _class_table(table: ClipTable) -> Table:
    rows = []
    for corpus in table.corpora:
        for split in table.splits:
            part = table.where((table.corpus == corpus) & (table.split == split))
            if not len(part):
                continue
            counts = [int((part.emotion == emotion).sum()) for emotion in table.emotions]
            figures = [*counts, len(part), part.speakers]
            rows.append((f"{corpus}, {split}", *(f"{n:,}" for n in figures), f"{part.seconds.sum() / 60:.1f}"))
    return Table("Clips of each emotion", ("corpus, split", *table.emotions, "clips", "speakers", "minutes"), rows)


def _durations(table: ClipTable) -> Section:
    return Section(
        "Durations",
        (
            "Durations of the clips: first all clips of a corpus, then each emotion, drawn on one scale. Dashed lines "
            "are medians.",
            plot(
                "durations",
                partial(distributions.durations, table),
                "Histograms of the clips' durations, by corpus and emotion",
                as_file=True,
            ),
        ),
    )


def _speakers(table: ClipTable) -> Section:
    unknown = int((~table.speaker_known).sum())
    if unknown == len(table):
        return Section("Speakers", ("The speaker of no clip is known.",))
    left_out = f" {quantity(unknown, 'clip')} of unknown speakers are left out." if unknown else ""
    return Section(
        "Speakers",
        (
            f"The number of clips of each speaker in each emotion; the strip above shows the split.{left_out}",
            plot(
                "speakers",
                partial(distributions.speaker_emotions, table),
                "A map of the clips of each speaker in each emotion",
                as_file=True,
            ),
        ),
    )


def _sexes(table: ClipTable) -> Section:
    rows = []
    for row in distributions.count_sexes(table):
        pairs = zip(row.speakers, row.clips, strict=True)
        rows.append((f"{row.corpus}, {row.split}", *(f"{speakers:,} ({clips:,})" for speakers, clips in pairs)))
    return Section(
        "Women and men",
        (
            "Shares of the clips of women and men. The table counts speakers, and their clips in brackets.",
            plot(
                "sexes",
                partial(distributions.sexes, table),
                "Bars: shares of women's and men's clips, by split",
                as_file=True,
            ),
            Table("Speakers and clips of women and men", ("corpus, split", *distributions.SEXES), rows),
        ),
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
    header = ("acted", "clips", "votes", "votes that agree", "clips heard as acted", "clips with a tie")
    return Section(
        "Votes against acted emotions",
        (
            f"Listeners voted on {voted:,} of the {clips:,} clips. They heard the acted emotion in "
            f"{counts.overall_votes:.1%} of {cast:,} votes; in {counts.overall_clips:.1%} of the clips it has more "
            "votes than any other emotion.",
            plot(
                "votes",
                partial(votes.votes_against_acted, counts),
                "A matrix of acted and heard emotions, as shares",
                as_file=True,
            ),
            Table("Agreement of listeners", header, [*rows, ("all", f"{voted:,}", f"{cast:,}", *overall)]),
        ),
    )


def _examples(table: ClipTable, chosen: dict[str, int], waveforms: list[np.ndarray]) -> Section:
    draw = partial(examples, table, list(chosen.values()), waveforms, _SETTINGS)
    return Section(
        "Examples",
        (
            "One clip of each emotion, of one speaker and one sentence where the dataset has them: the waveform and "
            f"the {_SETTINGS.num_bands}-band log-mel spectrogram. All spectrograms share one scale. Each waveform has "
            "its own; its peak is given beside its name.",
            plot("examples", draw, "Waveform and log-mel spectrogram of one clip of each emotion", as_file=True),
        ),
    )


def _augmentation(table: ClipTable, chosen: dict[str, int], waveforms: list[np.ndarray], seed: int) -> Section:
    from data_pipeline.augment import examples as changes

    emotion, row = next(iter(chosen.items()))
    longest = round(LONGEST * SAMPLE_RATE)
    waveform, neighbour = waveforms[0][:longest], waveforms[-1][:longest]
    before, *waveform_changes = changes.examples(waveform, seed).items()
    fill = PALETTE[Emotion(emotion)]
    figures = {
        title: partial(augmentation.waveform_change, title, before[1], after, fill, _SETTINGS)
        for title, after in waveform_changes
    }
    before, *spectrogram_changes = changes.spectrogram_examples(waveform, neighbour, _SETTINGS, seed).items()
    figures |= {
        title: partial(augmentation.spectrogram_change, title, before[1], after, _SETTINGS)
        for title, after in spectrogram_changes
    }
    plots = [
        plot(_file_name(number, title), draw, f"A clip before and after: {title}", as_file=True, small=True)
        for number, (title, draw) in enumerate(figures.items(), start=1)
    ]
    return Section(
        "Augmentation",
        (
            f"{table.corpus[row]}/{table.name[row]} before and after each change that training can make to a clip, "
            f"drawn with seed {seed}, each alone and by the function that training uses.",
            *plots,
        ),
    )


def _file_name(number: int, title: str) -> str:
    words = re.findall(r"[a-z0-9]+", title.lower().replace("µ", "mu"))
    return "_".join(["augmentation", f"{number:02d}", *words])
