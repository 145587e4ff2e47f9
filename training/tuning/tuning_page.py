"""`tuning.html`: the trials of a search, and their values against each setting."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

from data_pipeline.pages import Page, Section, Table, quantity, render
from data_pipeline.pages.figures import INK, MUTED, PAPER, WIDE, Size, new_figure, new_panels, plot, shortened, styled
from training.cross_validation.speaker_folds import describe_folds
from training.fitting.progress import duration
from training.tuning.search import Search
from training.tuning.space import Choice, Range, Space
from training.tuning.trial import State, Trial, best_of

FILE = "tuning.html"

_MARKS: Mapping[State, dict[str, Any]] = {
    State.COMPLETE: {"marker": "o", "color": INK, "label": "complete"},
    State.PRUNED: {"marker": "o", "facecolor": "none", "edgecolor": MUTED, "label": "pruned, last value"},
    State.FAILED: {"marker": "x", "color": MUTED, "label": "failed"},
}
"""Told apart by shape, since colours belong to emotions."""

_BEST: dict[str, Any] = {
    "marker": "*",
    "s": 190,
    "color": INK,
    "edgecolor": PAPER,
    "zorder": 4,
    "label": "best",
    # Also whole on the edge of the searched range.
    "clip_on": False,
}

_COLUMNS = 3
"""Maximum number of panels side by side."""


def tuning_page(search: Search, trials: Sequence[Trial]) -> str:
    """The page's HTML.

    Args:
        search: The search.
        trials: Its finished trials, in their order.
    """
    space, best = search.space, best_of(trials)
    sections = [
        Section(
            "Trials",
            (
                "The mean UA over the folds of each trial, and the best so far. A pruned trial is drawn at its last "
                "value, when it fell below the median of the complete trials; a full training might have ended higher.",
                plot("trials", partial(trials_figure, trials), "UA of each trial and the best so far"),
            ),
        )
    ]
    if best:
        sections += [
            Section(
                f"Best trial: {best.number}",
                (
                    "These settings are in best.json, with all others.",
                    Table(
                        "Settings of the best trial",
                        ("setting", "value", "searched"),
                        [(name, shown(best.settings[name]), space[name].in_words()) for name in space],
                    ),
                ),
            ),
            Section(
                "Each setting",
                (
                    "UA of the complete trials. All settings change at the same time, and later trials are drawn near "
                    "good earlier ones, so what looks like the effect of one setting may be that of another.",
                    plot("settings", partial(settings_figure, trials, space), "UA against each setting"),
                ),
            ),
        ]
    sections.append(Section("All trials", (_table(trials, space),)))
    title = f"Search for settings of {search.family.name}"
    return render(Page(title, _facts(search, trials), _notices(search), sections))


def _facts(search: Search, trials: Sequence[Trial]) -> list[tuple[str, str]]:
    count = Counter(trial.state for trial in trials)
    facts = [
        ("data", ", ".join(search.dataset.corpora)),
        ("training speakers", f"{len(search.dataset.split('train').speakers):,}"),
        ("folds", str(search.folds)),
        ("trials", ", ".join(f"{number} {state}" for state, number in count.items())),
        ("time of all epochs", duration(sum(trial.seconds for trial in trials))),
    ]
    best = best_of(trials)
    return [*facts, ("best UA", f"{best.mean:.1%}")] if best else facts


def _notices(search: Search) -> list[str]:
    notices = [
        describe_folds(search.dataset, search.folds),
        "The best value is the highest of many on the same speakers, so it is too good: train with best.json, and "
        "evaluate on speakers that the search did not use.",
    ]
    if search.dataset.synthetic:
        notices.append("Some of this speech is synthetic: the best settings for it say nothing about real voices.")
    if unknown := search.dataset.speakers_unknown:
        notices.append(
            f"The speaker of {quantity(unknown, 'clip')} is not known. Each of these clips counts as a speaker of its "
            "own, so one person may be in several folds."
        )
    return notices


def shown(value: Any) -> str:
    """A setting's value as text for readers."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _table(trials: Sequence[Trial], space: Space) -> Table:
    rows = [
        (
            str(trial.number),
            trial.state.value,
            "–" if trial.value is None else f"{trial.value:.1%}",
            ", ".join(f"{value:.1%}" for value in trial.folds) or "–",
            *(shown(trial.settings.get(name, "–")) for name in space),
            duration(trial.seconds),
            trial.reason,
        )
        for trial in trials
    ]
    header = ("trial", "state", "UA", "folds", *space, "time", "why it ended early")
    return Table("All trials", header, rows)


@styled
def trials_figure(trials: Sequence[Trial], *, size: Size) -> Figure:
    """Each trial at its value, and the best so far as a line.

    Args:
        trials: Finished trials, in their order.
        size: The room that there is.
    """
    figure = new_figure(3.6, size)
    axes = figure.subplots()
    lowest = min((trial.intermediate[max(trial.intermediate)] for trial in trials if trial.intermediate), default=0.0)
    for state, mark in _MARKS.items():
        ones = [trial for trial in trials if trial.state is state]
        if ones:
            places = [trial.number for trial in ones]
            axes.scatter(places, [_stood(trial, lowest) for trial in ones], s=30, zorder=3, **mark)
    bests = [best for best in (best_of(trials[:count]) for count in range(1, len(trials) + 1)) if best]
    if bests:
        first = len(trials) - len(bests) + 1
        axes.step(range(first, len(trials) + 1), [best.mean for best in bests], where="post", color=INK, linewidth=1)
        axes.scatter([bests[-1].number], [bests[-1].mean], **_BEST)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlim(0.5, len(trials) + 0.5)
    axes.set_xlabel("trial")
    axes.set_ylabel("UA")
    axes.grid(visible=True)
    axes.legend()
    return figure


def _stood(trial: Trial, lowest: float) -> float:
    """The last value of a trial; the lowest of all where it has none."""
    if trial.state is State.COMPLETE:
        return trial.mean
    return trial.intermediate[max(trial.intermediate)] if trial.intermediate else lowest


@styled
def settings_figure(trials: Sequence[Trial], space: Space, *, size: Size) -> Figure:
    """A panel for each setting: the values of the complete trials against it.

    Args:
        trials: Finished trials, some of them complete.
        space: The space that their settings were drawn from.
        size: The room that there is.
    """
    figure, panels = new_panels([2.1] * -(-len(space) // _COLUMNS), _COLUMNS, size, sharey=True)
    complete = [trial for trial in trials if trial.state is State.COMPLETE]
    for axes, (name, dimension) in zip(panels, space.items(), strict=False):
        _against(axes, name, dimension, complete)
    for axes in panels[len(space) :]:
        axes.set_visible(False)
    for axes in panels[:: _COLUMNS if size is WIDE else 1]:
        axes.set_ylabel("UA")
    return figure


def _against(axes: Axes, name: str, dimension: Range | Choice, complete: Sequence[Trial]) -> None:
    choices = dimension.choices if isinstance(dimension, Choice) else ()

    def place(trial: Trial) -> Any:
        return choices.index(trial.settings[name]) if choices else trial.settings[name]

    axes.scatter(
        [place(trial) for trial in complete], [trial.mean for trial in complete], s=22, color=INK, clip_on=False
    )
    if best := best_of(complete):
        axes.scatter([place(best)], [best.mean], **_BEST)
    if isinstance(dimension, Choice):
        axes.set_xticks(range(len(choices)), [shortened(str(choice), 14) for choice in choices])
        axes.set_xlim(-0.5, len(choices) - 0.5)
    else:
        if dimension.log:
            axes.set_xscale("log")
            # Plain numbers, since figures have no formulas.
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlim(dimension.low, dimension.high)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_title(name)
    axes.grid(visible=True)
    axes.set_axisbelow(True)
