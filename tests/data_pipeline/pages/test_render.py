"""Pages from their descriptions: what is shown, and that a text is never markup."""

import re
from pathlib import Path

import pytest

from data_pipeline.emotion import Emotion
from data_pipeline.pages import (
    Audio,
    Bar,
    Fact,
    Facts,
    Group,
    Histogram,
    IntervalMark,
    Label,
    Matrix,
    Page,
    Plot,
    Section,
    Table,
    Text,
    Value,
    Waveform,
    Word,
    interval,
    p_value,
    points,
    points_interval,
    quantity,
    render,
)
from tests.html_page import HtmlPage

ROOT = Path(__file__).parents[3]

HOSTILE = "</style><script>x & \"y\" 'z'"


def of(*content) -> HtmlPage:
    return HtmlPage(render(Page("Title", sections=[Section("One", content)])))


def test_a_page_of_nothing_is_a_page():
    found = HtmlPage(render(Page("<>")))

    assert found.text.split() == ["<>", "Skip", "to", "the", "content", "<>"]
    assert found.tags["nav"] == 0


def test_no_text_is_markup():
    parts = [
        HOSTILE,
        Text((HOSTILE, Word(HOSTILE, "code"), Word(HOSTILE, "strong"))),
        Text(HOSTILE, "notice"),
        Text(HOSTILE, "heading"),
        Facts([Fact(HOSTILE, HOSTILE, HOSTILE)]),
        Table(HOSTILE, (HOSTILE,), [(HOSTILE,), (Value(HOSTILE, HOSTILE),)], stacked=True, sortable=True),
        Matrix(HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), ((1,),)),
        Plot("name", HOSTILE, "", "<svg></svg>"),
        Audio(b"", HOSTILE),
        Group([HOSTILE], "list"),
        Group([Group([HOSTILE], "card"), Group([Word(HOSTILE, "code")], "row")], "grid"),
        Histogram(HOSTILE, (1.0,)),
    ]
    page = Page(HOSTILE, [(HOSTILE, HOSTILE)], [HOSTILE], [Section(HOSTILE, parts, HOSTILE), Section("2", ())], parts)

    found = HtmlPage(render(page))

    # The style of the page, and the script that sorts, once for each of both tables.
    assert (found.tags["style"], found.tags["script"]) == (1, 2)
    assert found.text.count(HOSTILE) == 2 * 21 + 7
    assert found.labels.count(HOSTILE) == 8


def test_the_sections_are_linked():
    found = HtmlPage(render(Page("x", sections=[Section("A & B", ("one",)), Section("Long title", ("two",), "short")])))

    assert found.links == ["#content", "#part-0", "#part-1"]
    assert found.text.count("A & B") == 2
    assert found.text.count("short") == 1
    assert 'id="part-1"' in found.source


def test_a_table_names_its_rows_and_can_be_scrolled_by_keyboard():
    found = of(Table("Clips", ("name", "clips"), [("a", "1"), ("b", "2")], marked=[1]))

    assert found.tables == [[["name", "clips"], ["a", "1"], ["b", "2"]]]
    assert found.marked == [["b", "2"]]
    assert '<div class="scroll" tabindex="0" role="region" aria-label="Clips">' in found.source
    assert found.source.count('<th scope="row">') == 2
    assert found.tags["script"] == 0


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1,234", "−0.5", "–", "", "< 0.001", "12.5 dB", "3 (4)"], "number"),
        ([Value("54.1%", "(48.0% to 60.1%)"), Value("54.1%", "(not known)")], "number"),
        (["54.1% (48.0% to 60.1%)", "not known"], "number"),
        (["2 clips right alone, 3 clips wrong alone"], "long"),
        (["better", "worse"], ""),
        ([Bar(0.5)], ""),
    ],
)
def test_numbers_are_told_from_words(cells, kind):
    assert Table("x", ("a", "b"), [("a", cell) for cell in cells]).kinds == ["", kind]


def test_a_matrix_has_shares_and_counts():
    found = of(Matrix("Confusion", "acted", "answer", ("calm", "fear"), ((3, 1), (0, 0))))

    assert found.tables[0][1:] == [["acted", "calm", "fear"], ["calm", "75%3", "25%1"], ["fear", "0%0", "0%0"]]
    assert re.findall(r"--share: ([\d.]+)", found.source) == ["0.750", "0.250", "0.000", "0.000"]


def test_small_drawings_say_what_they_show():
    found = of(
        Histogram("duration in s", (1.0, 2.0, 2.0, 40.0)),
        Waveform(1.5, (-1.0, -0.5), (1.0, 2.0)),
        IntervalMark(0.25, (0.2, 0.5), 0.75),
        Label(Emotion.ANGER),
    )

    assert found.labels[-3:] == [
        "histogram of the duration in s",
        "waveform of 1.50 s",
        "25.0 %, for comparison 75.0 %",
    ]
    assert "1.0median 2.040.0" in found.text.replace("\n", "")
    # Full scale is the limit.
    assert 'points="0,4 50,4 50,73 0,96"' in found.source
    # A single clip among many is seen.
    assert [height for *_, height in Histogram("x", [0.0] * 1_000 + [1.0]).bars if height] == [1.0, 0.02]
    assert "#D55E00" in found.source


def test_numbers_carry_words():
    assert [quantity(count, "speaker") for count in (0, 1, 2, 1_234)] == [
        "0 speakers", "1 speaker", "2 speakers", "1,234 speakers"
    ]  # fmt: skip
    assert quantity(2, "index", "indices") == "2 indices"
    assert interval((0.5, 0.625), speakers=2) == "(50.0% to 62.5%)"
    assert interval((0.5, 0.5), speakers=1) == interval(None, speakers=9) == "(not known)"
    assert points_interval((-0.01, 0.02), speakers=2) == "(−1.0 to +2.0)"
    assert points_interval((0.01, 0.01), speakers=1) == "(not known)"
    assert points(-0.0123) == "−1.2"
    assert (p_value(0.0001), p_value(0.0123)) == ("< 0.001", "0.012")


def test_only_one_room_writes_pages():
    packages = ("data_pipeline", "training", "serving", "benchmarks")
    sources = [file for package in packages for file in (ROOT / package).rglob("*") if file.suffix in (".py", ".jinja")]
    markup = re.compile(r"<!doctype|<html|<style|<table|<section|<td|</")

    writers = {file.relative_to(ROOT).as_posix() for file in sources if markup.search(file.read_text())}

    assert writers == {
        # How the page of a failed download begins, which is not audio.
        "data_pipeline/audio/formats/not_audio.py",
        # Parts of the SVG of matplotlib that a page has no use for.
        "data_pipeline/pages/figures.py",
        "data_pipeline/pages/templates/page.html.jinja",
        "data_pipeline/pages/templates/parts.html.jinja",
    }
