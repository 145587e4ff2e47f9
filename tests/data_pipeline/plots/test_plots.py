"""The figures and the page of a dataset."""

import io
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.augment.examples import examples as augmented
from data_pipeline.augment.examples import spectrogram_examples
from data_pipeline.clip import Clip
from data_pipeline.dataset import FORMAT, Dataset
from data_pipeline.emotion import EMOTIONS, PALETTE
from data_pipeline.errors import UserError
from data_pipeline.pages import figures
from data_pipeline.plots import distributions, votes
from data_pipeline.plots.clip_table import ClipTable, read_table, read_waveforms
from data_pipeline.plots.dataset_page import plot_dataset
from data_pipeline.plots.examples import choose_examples
from data_pipeline.plots.signals import draw_spectrogram, draw_waveform
from data_pipeline.records.record import encode
from data_pipeline.records.tfrecord import write_record
from data_pipeline.splits import SPLITS
from data_pipeline.storage.stored_file import StoredFile
from tests.html_page import HtmlPage

ALWAYS = {"class_distribution.png", "durations.png", "examples.png"}


def clip(name, emotion, speaker="one", corpus="manifest", **known) -> Clip:
    file = StoredFile(f"{name}.wav", f"{name}.wav", 0, 0)
    return Clip(file, name, corpus, speaker, EMOTIONS[emotion], **known)


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9_000, 9_000, samples).astype(np.int16)


def write(folder, clips_of, synthetic=False, split="speaker") -> Dataset:
    """A dataset of the clips given, each with its samples; two shards a split."""
    folder.mkdir()
    splits, clips = {}, [described for items in clips_of.values() for described, _ in items]
    for name, items in clips_of.items():
        shards = [f"{name}-{number}.tfrecord" for number in range(2)]
        for number, shard in enumerate(shards):
            with (folder / shard).open("wb") as file:
                for described, pcm in items[number::2]:
                    write_record(file, encode(described, pcm))
        splits[name] = {
            "clips": len(items),
            "seconds": sum(len(pcm) for _, pcm in items) / 16_000,
            "speakers": sorted({f"{described.corpus}/{described.speaker}" for described, _ in items}),
            "clips_with_votes": sum(described.votes is not None for described, _ in items),
            "emotions": Counter(described.emotion for described, _ in items),
            "shards": shards,
            "shard_bytes": {shard: (folder / shard).stat().st_size for shard in shards},
        }
    content = {
        "format": FORMAT,
        "emotions": [emotion for emotion in EMOTIONS if emotion in {described.emotion for described in clips}],
        "corpora": sorted({described.corpus for described in clips}),
        "speakers_unknown": sum(not described.speaker_known for described in clips),
        "synthetic": synthetic,
        "split": split,
        "fingerprint": "of a test",
        "splits": splits,
    }
    (folder / "dataset.json").write_text(json.dumps(content))
    return Dataset.open(folder)


def table_of(**columns) -> ClipTable:
    """A table of these columns, the others filled with something."""
    count = len(next(iter(columns.values())))
    filled = {
        "split": np.full(count, "train"),
        "place": np.arange(count),
        "name": np.array([f"clip{index}" for index in range(count)]),
        "corpus": np.full(count, "manifest"),
        "speaker": np.full(count, "one"),
        "speaker_known": np.full(count, True),
        "emotion": np.full(count, "anger"),
        "sentence": np.full(count, ""),
        "sex": np.full(count, ""),
        "seconds": np.full(count, 1.0),
        "votes": np.zeros((count, len(EMOTIONS)), int),
    }
    return ClipTable(**{**filled, **{name: np.array(values) for name, values in columns.items()}})


def texts(figure: Figure) -> set[str]:
    """Every word that a figure shows."""
    import matplotlib.text

    return {text.get_text() for text in figure.findobj(matplotlib.text.Text)}


@pytest.fixture(scope="module")
def nine(tmp_path_factory) -> Dataset:
    """Nine emotions, two corpora, votes, names that are HTML and formulas, unknown speakers, an empty split."""
    odd = [
        (
            clip(
                f'<b>$x^2$ & "{index}"\n語',
                index % 9,
                f"sp<{index % 3}>$",
                "man<i>&$",
                speaker_known=index > 4,
                votes={EMOTIONS[index % 9]: 3, EMOTIONS[0]: 2},
                sex=("female", "male", "")[index % 3],
            ),
            noise(3_000 + 100 * index, index),
        )
        for index in range(18)
    ]
    clips_of = {"train": odd, "validation": [], "test": [(clip("last", 2, "two"), noise(40_000))]}
    return write(tmp_path_factory.mktemp("nine") / "data", clips_of, split="random")


@pytest.fixture(scope="module")
def drawn(nine, tmp_path_factory):
    return plot_dataset(nine, tmp_path_factory.mktemp("drawn") / "new" / "plots")


def test_the_page_holds_every_figure_and_needs_no_other_file(drawn):
    found = HtmlPage.of(drawn.page)

    assert {path.name for path in drawn.figures} == ALWAYS | {"speakers.png", "sexes.png", "votes.png"}
    assert set(drawn.page.parent.iterdir()) == {drawn.page, *drawn.figures}
    assert found.tags["figure"] == len(drawn.figures)
    assert all(path.name in found.text for path in drawn.figures)
    # Each for a wide screen and for a phone.
    assert found.tags["svg"] == 2 * len(drawn.figures)
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in found.links)
    for path in drawn.figures:
        width, height = Image.open(path).size
        assert width == 1_500
        assert height > 100


def test_names_are_text_and_never_markup(drawn):
    found = HtmlPage.of(drawn.page)

    assert not {"i", "b"} & found.tags.keys()
    assert "man<i>&$" in found.text


def test_a_reader_is_told_what_makes_figures_too_good_and_what_is_not_known(drawn):
    notices = HtmlPage.of(drawn.page).notices

    assert [notice.split()[:4] for notice in notices] == [
        ["The", "split", "is", "clip"],
        ["The", "speaker", "of", "5"],
        ["The", "validation", "split", "has"],
    ]
    assert "5 clips is not known" in notices[1]
    assert "no clips" in notices[2]


def test_equal_datasets_and_seeds_give_equal_files(tmp_path):
    items = [(clip(f"x{number}", 0, f"speaker{number}"), noise(1_000, number)) for number in range(9)]
    dataset = write(tmp_path / "data", {"train": items})

    pages = [plot_dataset(dataset, tmp_path / "plots", seed=seed).page.read_bytes() for seed in (0, 0, 1)]

    assert pages[0] == pages[1]
    assert pages[0] != pages[2]


@pytest.mark.parametrize(
    ("items", "figures"),
    [
        ([(clip("x", 8), noise(1))], ALWAYS | {"speakers.png"}),
        ([(clip("x", 0, sex="male"), np.zeros(20_000, np.int16))], ALWAYS | {"speakers.png", "sexes.png"}),
        ([(clip(f"x{n}", n % 2, f"u{n}", speaker_known=False), noise(900)) for n in range(5)], ALWAYS),
        ([(clip("short", 1), noise(16_000)), (clip("long", 1), noise(1_600_000))], ALWAYS | {"speakers.png"}),
    ],
    ids=["one sample", "silence", "speakers unknown", "a long clip"],
)
def test_every_dataset_can_be_plotted(items, figures, tmp_path):
    plots = plot_dataset(write(tmp_path / "data", {"test": items}, synthetic=True), tmp_path / "plots")

    assert {path.name for path in plots.figures} == figures
    assert "synthetic speech" in plots.page.read_text()


def test_augmentation_is_shown_before_and_after(nine, tmp_path):
    plots = plot_dataset(nine, tmp_path, split="test", augment=True)

    waveform = np.ones(1_600, np.float32)
    titles = [*augmented(waveform), *spectrogram_examples(waveform, waveform, LogMelSettings())]
    shown = [path.name for path in plots.figures if path.name.startswith("augmentation")]
    assert len(shown) == len(titles) - titles.count("Original")
    assert any("telephone" in name for name in shown)
    source = plots.page.read_text()
    assert all(f"A clip before and after: {title}" in source for title in titles if title != "Original")


def test_a_split_alone(nine, tmp_path):
    source = plot_dataset(nine, tmp_path, split="test").page.read_text()

    assert "manifest: the test split" in source
    assert "Listeners voted" not in source
    with pytest.raises(UserError, match="no clips to plot"):
        plot_dataset(nine, tmp_path / "nothing", split="validation")
    assert not (tmp_path / "nothing").exists()


def test_a_split_that_is_not_there_leaves_nothing_behind(tmp_path):
    dataset = write(tmp_path / "data", {"train": [(clip("x", 0), noise(900))]})

    with pytest.raises(UserError, match="has no test clips"):
        plot_dataset(dataset, tmp_path / "plots", split="test")
    assert not (tmp_path / "plots").exists()


def test_the_table_is_that_of_the_records(nine):
    table = read_table(nine, SPLITS)

    assert len(table) == 19
    assert table.emotions == EMOTIONS
    assert table.corpora == ("man<i>&$", "manifest")
    assert table.splits == ("train", "test")
    # Five of the odd clips' speakers are not known.
    assert (table.speakers, int((~table.speaker_known).sum())) == (4, 5)
    row = list(table.name).index('<b>$x^2$ & "4"\n語')
    assert table.emotion[row] == "neutral"
    assert table.speaker[row] == "sp<1>$"
    assert table.seconds[row] == pytest.approx(3_400 / 16_000)
    [waveform, last] = read_waveforms(nine, table, [row, len(table) - 1])
    np.testing.assert_array_equal(waveform * 32_768, noise(3_400, 4))
    np.testing.assert_array_equal(last * 32_768, noise(40_000))


def test_examples_are_of_one_speaker_and_sentence_where_there_is_one():
    table = table_of(
        speaker=["a", "b", "b", "b", "b", "c"],
        sentence=["s", "t", "t", "u", "t", "t"],
        emotion=["fear", "anger", "fear", "anger", "sadness", "calm"],
    )

    for seed in range(5):
        assert choose_examples(table, seed) == {"anger": 1, "fear": 2, "sadness": 4, "calm": 5}


@given(
    st.lists(st.tuples(st.sampled_from(EMOTIONS), st.sampled_from("abc"), st.sampled_from(["", "s", "t"])), min_size=1),
    st.integers(0, 100),
)
def test_every_emotion_has_an_example_of_itself(clips, seed):
    emotion, speaker, sentence = zip(*clips, strict=True)
    table = table_of(emotion=emotion, speaker=speaker, sentence=sentence)

    chosen = choose_examples(table, seed)

    assert tuple(chosen) == table.emotions
    assert all(table.emotion[row] == name for name, row in chosen.items())
    assert chosen == choose_examples(table, seed)


def test_votes_are_counted_against_what_was_acted():
    # Anger heard as anger by 3 of 4; a tie; fear heard as sadness; nobody asked.
    table = table_of(
        emotion=["anger", "anger", "fear", "calm"],
        votes=[
            [3, 1, 0, 0, 0, 0, 0, 0, 0],
            [2, 2, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 4, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0, 0],
        ],
    )

    counts = votes.count_votes(table)

    assert counts is not None
    assert (counts.acted, counts.heard) == (("anger", "fear"), ("anger", "disgust", "fear", "sadness"))
    np.testing.assert_array_equal(counts.votes, [[5, 3, 0, 0], [0, 0, 0, 4]])
    np.testing.assert_allclose(counts.agreement_of_votes, [5 / 8, 0])
    np.testing.assert_allclose(counts.agreement_of_clips, [1 / 2, 0])
    np.testing.assert_array_equal(counts.undecided, [1, 0])
    assert counts.overall_votes == pytest.approx(5 / 12)
    assert counts.overall_clips == pytest.approx(1 / 3)
    assert {"62%", "38%", "100%", "Heard as acted: 41.7% of all votes"} <= texts(votes.votes_against_acted(counts))
    assert votes.count_votes(table.where(np.array([False, False, False, True]))) is None


def test_counts_can_be_read_from_the_class_distribution():
    table = table_of(emotion=["anger"] * 1_234 + ["surprise"] * 56, split=["train"] * 1_289 + ["test"])

    figure = distributions.class_distribution(table)

    assert len(figures.png(figure)) > 1_000
    assert {"1,234", "55", "1", "anger", "surprise", "manifest, test: 1 clip"} <= texts(figure)
    bars = figure.axes[0].patches
    assert [bar.get_facecolor()[:3] for bar in bars] == [
        pytest.approx(tuple(int(PALETTE[emotion][place : place + 2], 16) / 255 for place in (1, 3, 5)))
        for emotion in (EMOTIONS[0], EMOTIONS[8])
    ]
    # Yellow on white is seen by its outline.
    assert all(bar.get_linewidth() > 0 and bar.get_edgecolor()[:3] != bar.get_facecolor()[:3] for bar in bars)


def test_one_very_long_clip_does_not_flatten_the_histogram():
    figure = distributions.durations(table_of(seconds=[*np.linspace(1, 3, 200), 299.0]))

    assert figure.axes[0].get_xlim()[1] < 5
    assert any("1 clip longer than" in text for text in texts(figure))


@pytest.mark.parametrize("speakers", [1, 10, 91, 3_000])
def test_the_speaker_map_counts_every_clip_of_however_many_speakers(speakers):
    names = [f"speaker{index % speakers:04}" for index in range(2 * speakers)]
    table = table_of(speaker=names, emotion=["anger", "fear"] * speakers, split=["train", "test"] * speakers)

    figure = distributions.speaker_emotions(table)

    maps = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert sum(int(counts.sum()) for counts in maps) == 2 * speakers
    assert figure.get_figheight() < 20
    assert len(figures.png(figure)) > 1_000
    assert (names[-1] in texts(figure)) == (speakers <= 91)


def test_a_speaker_in_several_splits_is_shown_as_such():
    figure = distributions.speaker_emotions(table_of(speaker=["a", "a", "b"], split=["train", "test", "test"]))

    assert {"several splits", "test"} <= {text.get_text() for text in figure.legends[0].get_texts()}


def test_women_and_men_are_counted_by_split():
    table = table_of(
        sex=["female", "female", "male", ""],
        speaker=["a", "a", "b", "c"],
        split=["train", "train", "train", "validation"],
    )

    [train, validation] = distributions.count_sexes(table)

    assert (train.clips, train.speakers) == ((2, 1, 0), (1, 1, 0))
    assert (validation.clips, validation.speakers) == ((0, 0, 1), (0, 0, 1))


def test_a_tone_lies_at_its_frequency_and_time_in_the_spectrogram():
    from data_pipeline.plots.signals import mel, spectrogram_of

    settings = LogMelSettings()
    time = np.arange(16_000) / 16_000
    tone = np.where(time >= 0.5, np.sin(2 * np.pi * 2_000 * time), 0).astype(np.float32)
    axes = figures.new_figure(2, figures.WIDE).subplots()

    image = draw_spectrogram(axes, spectrogram_of(tone, settings), settings, highest=40.0)

    left, right, bottom, top = image.get_extent()
    values = image.get_array()
    rows, columns = values.shape
    band, frame = np.unravel_index(values.argmax(), values.shape)
    step = (top - bottom) / rows
    assert bottom + (band + 0.5) * step == pytest.approx(mel(2_000), abs=step)
    assert left + (frame + 0.5) * (right - left) / columns > 0.5
    onset = left + (np.argmax(values[band] > 0)) * (right - left) / columns
    assert onset == pytest.approx(0.5, abs=0.02)
    assert "2,000" in texts(axes.figure)


@given(st.integers(1, 5_000), st.integers(0, 9))
def test_a_drawn_waveform_reaches_its_highest_and_lowest_samples(samples, seed):
    waveform = noise(samples, seed).astype(np.float32) / 32_768
    axes = figures.new_figure(2, figures.WIDE).subplots()

    draw_waveform(axes, waveform, "red", 1.0)

    heights = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(waveform.max())
    assert heights.min() == pytest.approx(waveform.min())


def test_a_dollar_sign_in_a_name_is_no_formula():
    table = table_of(speaker=["$\\frac$", "^_{$"], corpus=["$x^{$", "$x^{$"])

    figure = distributions.speaker_emotions(table)

    assert "$\\frac$" in texts(figure)
    assert Image.open(io.BytesIO(figures.png(figure))).size[0] == 1_500


@given(st.text(max_size=80))
def test_shortened_names_are_short_and_printable(text):
    short = figures.shortened(text, 20)

    assert len(short) == min(len(text), 20)
    assert all(character.isprintable() for character in short)


def test_text_is_dark_on_light_fields_and_light_on_dark_ones():
    assert figures.text_colour(0.0) == figures.INK
    assert figures.text_colour(1.0) == "white"
