"""Manifests: what a line may say, which lines are set aside, what stops the job, and the split column."""

import json
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.clip import Clip
from data_pipeline.corpora import CORPORA, open_corpus
from data_pipeline.corpora.corpus import Listing
from data_pipeline.corpora.manifest import Manifest
from data_pipeline.emotion import EMOTIONS, Emotion
from data_pipeline.errors import UserError
from data_pipeline.prepare.split_kind import BySpeaker, Fold
from data_pipeline.splits import SPLITS
from data_pipeline.storage.stored_file import StoredFile
from tests.data_pipeline.corpora.corpus_folder import lay_out


@pytest.fixture
def folder(tmp_path) -> Path:
    return lay_out(tmp_path, "calls/a.wav", "calls/b.wav", "calls/c.mp3", "d.wav")


def read(folder: Path, text: str | bytes, name: str = "calls.csv") -> Listing:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return Manifest().read(str(folder / name))


def flaws(listing: Listing) -> list[str]:
    return [str(clip) for clip in listing.set_aside]


def test_a_line_needs_a_path_an_emotion_and_a_speaker(folder):
    (clip,) = read(folder, "path,emotion,speaker\ncalls/a.wav,angry,anna\n").clips

    assert clip == Clip(
        file=StoredFile(
            str(folder / "calls" / "a.wav"), "calls/a.wav", 0, (folder / "calls" / "a.wav").stat().st_ctime_ns
        ),
        name="calls/a",
        corpus="manifest",
        speaker="anna",
        emotion=Emotion.ANGER,
    )


FULL = {
    "path": "calls/a.wav",
    "emotion": "Happy",
    "speaker": "anna",
    "start": 1.5,
    "end": 3,
    "split": "dev",
    "votes": {"joy": 3, "neutral": 1},
    "sex": "F",
    "age": 34,
    "sentence": "hello",
    "intensity": "strong",
    "repetition": 2,
    "name": "first",
}


def check_full(clip: Clip) -> None:
    assert (clip.name, clip.speaker, clip.emotion, clip.split) == ("first", "anna", Emotion.HAPPINESS, "validation")
    assert (clip.start, clip.end) == (1.5, 3.0)
    assert clip.votes == {Emotion.HAPPINESS: 3, Emotion.NEUTRAL: 1}
    assert (clip.sex, clip.age) == ("female", 34)
    assert (clip.sentence, clip.intensity, clip.repetition) == ("hello", "strong", "2")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("votes", ["joy:3 neutral:1", '{"joy": 3, "neutral": 1}'])
def test_a_table_has_commas_semicolons_or_tabs(folder, delimiter, start, end, votes):
    cells = {column: str(value) for column, value in FULL.items()} | {"votes": '"' + votes.replace('"', '""') + '"'}
    header = delimiter.join(["comment", *(column.upper() for column in cells)])
    line = delimiter.join(["passed over", *cells.values()])

    listing = read(folder, f"{start}{header}{end}{line}{end}{end}")

    check_full(*listing.clips)
    assert flaws(listing) == []


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson"])
def test_json_lines_say_the_same(folder, suffix):
    extra = {"comment": ["passed", "over"], "path": "calls/b.wav", "emotion": "sad", "speaker": 7, "split": None}
    text = "\ufeff" + json.dumps(FULL) + "\n\n" + json.dumps(extra | {"split": "train"})

    second, first = read(folder, text, f"calls{suffix}").clips

    check_full(first)
    assert (second.speaker, second.emotion, second.split) == ("7", Emotion.SADNESS, "train")


def test_a_part_of_a_file_is_named_by_its_times(folder):
    listing = read(
        folder,
        "path,emotion,speaker,start,end\n"
        "calls/a.wav,sad,anna,,2.5\n"
        "calls/a.wav,sad,anna,2.5,\n"
        "calls/a.wav,sad,anna,3600.125,3600.126\n"
        "./calls/b.wav,sad,anna,0,\n",
    )

    assert [(clip.name, clip.start, clip.end) for clip in listing.clips] == [
        ("calls/a#0-2.5", 0.0, 2.5),
        ("calls/a#2.5-", 2.5, None),
        ("calls/a#3600.125-3600.126", 3600.125, 3600.126),
        ("calls/b", 0.0, None),
    ]


def test_paths_start_from_the_manifest_or_are_absolute(folder):
    elsewhere = lay_out(folder / "lists")
    text = f"path,emotion,speaker\n../calls/a.wav,sad,anna\n{folder / 'd.wav'},sad,anna\n"

    clips = read(elsewhere, text).clips

    assert [Path(clip.file.location).resolve() for clip in clips] == [folder / "calls" / "a.wav", folder / "d.wav"]
    assert [clip.name for clip in clips] == ["../calls/a", str(folder / "d")]


class Store:
    """Files at URLs; counts how often it is asked for some."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.questions: list[set[str]] = []

    def kind(self, location: str) -> str:
        return "file" if location in self.files else ""

    def read(self, location: str) -> bytes:
        return self.files[location]

    def look_up(self, locations) -> dict[str, StoredFile]:
        self.questions.append(set(locations))
        return {
            location: StoredFile(location, location.rpartition("/")[2], len(self.files[location]), 0)
            for location in locations
            if location in self.files
        }


def test_files_and_manifests_may_lie_in_a_store(monkeypatch):
    text = b"path,emotion,speaker\n../a.wav,sad,anna\ngs://other/b.wav,sad,anna\ns3://c.wav,sad,anna\n../x.wav,sad,a\n"
    store = Store(
        {"gs://calls/lists/m.csv": text, "gs://calls/a.wav": b"12", "gs://other/b.wav": b"3", "s3://c.wav": b""}
    )
    monkeypatch.setattr("data_pipeline.corpora.manifest.storage_for", lambda _: store)

    listing = Manifest().read("gs://calls/lists/m.csv")

    assert {clip.name: clip.file for clip in listing.clips} == {
        "../a": StoredFile("gs://calls/a.wav", "../a.wav", 2, 0),
        "gs://other/b": StoredFile("gs://other/b.wav", "gs://other/b.wav", 1, 0),
        "s3://c": StoredFile("s3://c.wav", "s3://c.wav", 0, 0),
    }
    assert flaws(listing) == ["m.csv line 5 names '../x.wav', where there is no file"]
    assert store.questions == [{"gs://calls/a.wav", "gs://other/b.wav", "gs://calls/x.wav"}, {"s3://c.wav"}]


def test_a_file_whose_speaker_is_not_named_has_one_of_its_own(folder):
    clips = read(folder, "path,emotion,speaker\ncalls/a.wav,sad,\ncalls/b.wav,sad,\nd.wav,sad,anna\n").clips

    assert [clip.speaker_known for clip in clips] == [False, False, True]
    assert len({clip.speaker for clip in clips}) == 3


def test_parts_of_a_file_whose_speaker_is_not_named_share_a_split(folder):
    lines = "".join(
        f"{path},sad,,{number},{number + 1}\n"
        for path in ("calls/a.wav", "./calls/b.wav", "d.wav")
        for number in range(20)
    )

    clips = read(folder, f"path,emotion,speaker,start,end\n{lines}").clips
    splits = BySpeaker().assign(clips, Manifest().speaker_splits)

    assert not any(clip.speaker_known for clip in clips)
    assert {clip.speaker for clip in clips} == {"unknown/calls/a.wav", "unknown/calls/b.wav", "unknown/d.wav"}
    assert len({(clip.file.location, splits[clip.name]) for clip in clips}) == 3


def test_parts_of_a_file_take_the_split_that_one_of_them_names(folder):
    lines = "calls/a.wav,sad,,0,1,\ncalls/a.wav,sad,,1,2,test\ncalls/b.wav,sad,anna,,,train\n"

    clips = read(folder, f"path,emotion,speaker,start,end,split\n{lines}").clips

    assert [clip.split for clip in clips] == ["test", "test", "train"]


@pytest.mark.parametrize(
    ("written", "sex"),
    [("f", "female"), ("Woman", "female"), ("male", "male"), ("M", "male"), ("", ""), ("nonbinary", "")],
)
def test_sexes_as_people_write_them(folder, written, sex):
    (clip,) = read(folder, f"path,emotion,speaker,sex\nd.wav,sad,anna,{written}\n").clips

    assert clip.sex == sex


@pytest.mark.parametrize("votes", ['{"anger": 2.0, "joy": 1, "happy": 2}', "anger:2, joy:1; happy:2"])
def test_votes_for_one_emotion_add_up(folder, votes):
    line = json.dumps({"path": "d.wav", "emotion": "angry", "speaker": "anna", "votes": votes})

    (clip,) = read(folder, line, "calls.jsonl").clips

    assert clip.votes == {Emotion.ANGER: 2, Emotion.HAPPINESS: 3}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"path": "calls/x.wav"}, "names 'calls/x.wav', where there is no file"),
        ({"path": "calls"}, "names 'calls', where there is no file"),
        ({"path": ""}, "names no file: fill in the column path"),
        ({"emotion": ""}, "names no emotion: fill in the column emotion"),
        ({"emotion": "rage"}, f"names the emotion 'rage', which is none of {', '.join(EMOTIONS)}"),
        ({"start": "2", "end": "1"}, "ends at 1 s, which is not after its start at 2 s"),
        ({"start": "2", "end": "2"}, "ends at 2 s, which is not after its start at 2 s"),
        ({"start": "two"}, "gives the start 'two', which is no number of seconds: write it as 1.25"),
        ({"end": "nan"}, "gives the end 'nan', which is no number of seconds: write it as 1.25"),
        ({"end": "inf"}, "gives the end 'inf', which is no number of seconds: write it as 1.25"),
        ({"start": "-1"}, "gives the start '-1', which is no number of seconds: write it as 1.25"),
        ({"age": "old"}, "gives the age 'old': write years as a whole number, or nothing"),
        ({"age": "1985"}, "gives the age '1985': write years as a whole number, or nothing"),
        ({"split": "holdout"}, "names the split 'holdout', which is none of train, validation, test"),
        ({"votes": "3"}, "has the votes '3': write emotions with counts, as anger:3 neutral:1"),
        ({"votes": "rage:3"}, "has the votes 'rage:3': write emotions with counts, as anger:3 neutral:1"),
        ({"votes": "anger:-3"}, "has the votes 'anger:-3': write emotions with counts, as anger:3 neutral:1"),
        ({"votes": "{anger}"}, "has the votes '{anger}', which are no JSON object"),
        ({"path": "d.wav"}, "names the clip 'd' again, as line 2 does: remove it, or fill in the column name"),
        ({"name": "d"}, "names the clip 'd' again, as line 2 does: remove it, or fill in the column name"),
    ],
)
@pytest.mark.parametrize("name", ["calls.csv", "calls.jsonl"])
def test_a_line_that_cannot_be_used_is_set_aside(folder, line, reason, name):
    good = {"path": "d.wav", "emotion": "sad", "speaker": "anna"}
    lines = [good, {**good, "path": "calls/a.wav"} | line, {**good, "path": "calls/b.wav"}]
    columns = ["path", "emotion", "speaker", "start", "end", "age", "split", "votes", "name"]
    if line.keys() == {"split"}:
        good["split"] = "train"
    if name.endswith(".csv"):
        text = "\n".join([",".join(columns), *(",".join(item.get(column, "") for column in columns) for item in lines)])
    else:
        text = "\n" + "\n".join(map(json.dumps, lines))

    listing = read(folder, text, name)

    assert [clip.name for clip in listing.clips] == ["calls/b", "d"]
    assert flaws(listing) == [f"{name} line 3 {reason}"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "is no JSON object"),
        ("[1, 2]", "is no JSON object"),
        ("[" * 100_000, "is no JSON object"),
        ('{"path": ["calls/a.wav"]}', 'gives path as ["calls/a.wav"]: write text or a number'),
        ('{"path": "calls/a.wav", "speaker": true}', "gives speaker as true: write text or a number"),
        ('{"path": "calls/a.wav", "speaker": {}}', "gives speaker as {}: write text or a number"),
        ('{"path": "calls/a.wav", "speaker": "\\ud800"}', "holds half a character (a lone surrogate)"),
    ],
)
def test_a_line_that_is_no_object_is_set_aside(folder, line, reason):
    good = json.dumps({"path": "d.wav", "emotion": "sad", "speaker": "a\u2028na"}, ensure_ascii=False)

    listing = read(folder, f"{good}\n{line}\n", "calls.jsonl")

    assert [clip.speaker for clip in listing.clips] == ["a\u2028na"]
    assert flaws(listing) == [f"calls.jsonl line 2 {reason}"]


def test_a_line_with_more_cells_than_columns_is_set_aside(folder):
    listing = read(folder, "path,emotion,speaker\nd.wav,sad,anna\ncalls/a.wav,sad,Ames, Anna\n")

    assert flaws(listing) == ["calls.csv line 3 has 4 cells under 3 columns: quote cells with commas"]


def test_lines_are_counted_as_an_editor_does(folder):
    listing = read(folder, '\npath,emotion,speaker,sentence\n\nd.wav,sad,anna,"two\nlines"\nx.wav,sad,anna,\n')

    assert [clip.sentence for clip in listing.clips] == ["two\nlines"]
    assert flaws(listing) == ["calls.csv line 6 names 'x.wav', where there is no file"]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("calls.csv", "path,emotion\nd.wav,sad\n", r"calls\.csv lacks speaker: .*may be left empty"),
        ("calls.csv", "d.wav,sad,anna\n", r"calls\.csv lacks path and emotion and speaker"),
        ("calls.csv", "", r"calls\.csv lacks path and emotion and speaker"),
        ("calls.jsonl", "", r"calls\.jsonl lacks path and emotion and speaker"),
        ("calls.jsonl", '{"path": "d.wav", "emotion": "sad"}', r"calls\.jsonl lacks speaker"),
        ("calls.csv", "path,emotion,speaker,path\n", r"calls\.csv has the column path twice"),
        ("calls.csv", "path,emotion,speaker\n", r"calls\.csv lists no clip .* no line below the first"),
        ("calls.csv", "path,emotion,speaker\nx.wav,sad,a\n", r"calls\.csv lists no clip .* line 2 names 'x\.wav'"),
        ("calls.csv", 'path,emotion,speaker\nd.wav,sad,"an"na\n', r"calls\.csv cannot be read from line 2 on"),
        ("calls.csv", 'path,emotion,speaker\nd.wav,sad,a\nd.wav,"sad\n', r"calls\.csv cannot be read from line 3 on"),
        ("calls.csv", b"path,emotion,speaker\nd.wav,sad,Andr\xe9\n", r"calls\.csv line 2 is not UTF-8 text"),
    ],
)
def test_what_makes_a_manifest_useless_is_named(folder, name, text, complaint):
    with pytest.raises(UserError, match=complaint):
        read(folder, text, name)


@pytest.mark.parametrize(("place", "complaint"), [("nowhere.csv", "does not exist"), ("calls", "is a folder")])
def test_a_missing_manifest_is_named(folder, place, complaint):
    with pytest.raises(UserError, match=f"{place} {complaint}"):
        Manifest().read(str(folder / place))


@pytest.mark.parametrize(
    ("word", "split"),
    [
        ("train", "train"),
        ("Validation", "validation"),
        ("dev", "validation"),
        ("val", "validation"),
        ("valid", "validation"),
        ("eval", "validation"),
        ("TEST", "test"),
    ],
)
def test_splits_as_people_write_them(folder, word, split):
    listing = read(folder, f"path,emotion,speaker,split\nd.wav,sad,anna,{word}\n")

    assert Manifest().speaker_splits(listing.clips) == {"anna": split}


def test_a_line_without_a_split_takes_its_speakers(folder):
    listing = read(
        folder,
        "path,emotion,speaker,split\n"
        "calls/a.wav,sad,anna,\n"
        "calls/b.wav,sad,anna,test\n"
        "calls/c.mp3,sad,berta,\n"
        "gone.wav,sad,berta,train\n",
    )

    assert Manifest().speaker_splits(listing.clips) == {"anna": "test", "berta": "train"}
    assert [clip.split for clip in listing.clips] == ["test", "test", "train"]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (
            "calls/a.wav,sad,anna,train\ncalls/b.wav,sad,anna,test\n",
            r"puts the speaker 'anna' in two splits, train in line 2 and test in line 3",
        ),
        (
            "calls/a.wav,sad,anna,train\ngone.wav,sad,anna,test\n",
            r"puts the speaker 'anna' in two splits, train in line 2 and test in line 3",
        ),
        (
            "calls/a.wav,sad,,train\n./calls/a.wav,sad,,test\n",
            r"puts the file '\./calls/a\.wav', whose speaker is not named, in two splits, train in line 2 and test in "
            "line 3: give it one, or fill in the column speaker",
        ),
        ("calls/a.wav,sad,anna,train\ncalls/b.wav,sad,berta,\n", r"names no split for the speaker 'berta' \(line 3\)"),
        ("calls/a.wav,sad,anna,train\ncalls/b.wav,sad,,\n", r"names no split for a clip without a speaker \(line 3\)"),
    ],
)
def test_a_speaker_is_in_one_split(folder, lines, complaint):
    with pytest.raises(UserError, match=complaint):
        read(folder, f"path,emotion,speaker,split\n{lines}")


def test_without_a_split_column_speakers_are_shuffled(folder):
    lines = "".join(f"calls/a.wav,sad,s{number},{number},{number + 1}\n" for number in range(10))
    listing = read(folder, f"path,emotion,speaker,start,end\n{lines}")

    splits = Manifest().speaker_splits(listing.clips)

    assert len(splits) == 10
    assert set(splits.values()) == set(SPLITS)


@pytest.mark.parametrize(("first", "name"), [("path,", "calls.csv"), ("{", "calls.jsonl")])
def test_the_examples_in_the_documentation_work(tmp_path, first, name):
    documentation = Path(__file__).parents[3] / "docs" / "corpora.md"
    (example,) = (block for block in documentation.read_text().split("```\n") if block.startswith(first))

    listing = read(lay_out(tmp_path, "calls/0001.wav", "calls/0002.mp3"), example, name)

    assert flaws(listing) == []
    assert {clip.speaker for clip in listing.clips} <= {"anna", "berta"}
    assert listing.clips[0].votes == {Emotion.ANGER: 3, Emotion.NEUTRAL: 1}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> Path:
    return lay_out(tmp_path_factory.mktemp("recordings"), "x.wav")


split_words = st.sampled_from(["", "train", "dev", "validation", "test"])


@given(st.lists(st.tuples(st.sampled_from(["", "anna", "berta", "carla", "dora"]), split_words), min_size=1))
def test_no_manifest_puts_a_speaker_in_two_splits(recordings, lines):
    text = "path,emotion,speaker,split,start,end\n" + "".join(
        f"x.wav,sad,{speaker},{split},{number},{number + 1}\n" for number, (speaker, split) in enumerate(lines)
    )
    # All of one file, in which those whose speaker is not named count as one.
    lines = [(speaker or "unknown/x.wav", split) for speaker, split in lines]
    stated = {(speaker, "validation" if split == "dev" else split) for speaker, split in lines if split}
    contradicted = len(stated) > len({speaker for speaker, _ in stated})
    homeless = any(split for _, split in lines) and any(
        not split and speaker not in dict(stated) for speaker, split in lines
    )
    try:
        clips = read(recordings, text).clips
    except UserError:
        assert contradicted or homeless
        return

    assert not contradicted
    assert not homeless
    assert len(clips) == len(lines)
    check_one_split_a_speaker(Manifest(), clips)
    splits = Manifest().speaker_splits(clips)
    assert all(splits[speaker] == split for speaker, split in stated)


# Without a deadline, since a corpus's module is imported when it is first called for.
@settings(deadline=None)
@given(st.sampled_from(list(CORPORA)), st.data())
def test_no_corpus_puts_a_speaker_in_two_splits(name, data):
    speakers = st.integers(1001, 1091).map(str) if name == "crema_d" else st.text(min_size=1, max_size=3)
    file = StoredFile("x.wav", "x.wav", 1, 0)
    sexes = st.sampled_from(["", "female", "male"])
    drawn = data.draw(st.lists(st.tuples(speakers, sexes), min_size=1, max_size=60))
    clips = [
        Clip(file, str(number), name, speaker, Emotion.SADNESS, sex=sex) for number, (speaker, sex) in enumerate(drawn)
    ]

    check_one_split_a_speaker(open_corpus(name), clips)


def check_one_split_a_speaker(corpus, clips) -> None:
    for split in (BySpeaker(), Fold(1, 2), Fold(2, 2)):
        try:
            splits = split.assign(clips, corpus.speaker_splits)
        except UserError:
            # Fewer speakers than folds.
            assert isinstance(split, Fold)
            continue
        assert set(splits.values()) <= set(SPLITS)
        assert len({(clip.speaker, splits[clip.name]) for clip in clips}) == len({clip.speaker for clip in clips})


def test_a_long_manifest_is_read_in_no_time(recordings):
    lines = (f"x.wav,sad,s{number % 500},{number},{number + 0.5},train\n" for number in range(20_000))
    begun = time.process_time()

    listing = read(recordings, "path,emotion,speaker,start,end,split\n" + "".join(lines))

    assert len(listing.clips) == 20_000
    # A tenth of that on an idle machine; what must not creep in is work that grows with the square.
    assert time.process_time() - begun < 10


def test_two_manifests_that_disagree_on_a_speaker_are_refused(tmp_path):
    clips = []
    for number, split in enumerate(("train", "test")):
        (tmp_path / f"{number}.wav").touch()
        (tmp_path / f"{number}.csv").write_text(f"path,emotion,speaker,split\n{number}.wav,anger,A,{split}\n")
        clips += Manifest().clips(tmp_path / f"{number}.csv")

    with pytest.raises(UserError, match=r"'A' is in two splits, train \(.*0\.wav\) and test \(.*1\.wav\)"):
        Manifest().speaker_splits(clips)


def test_a_manifest_with_splits_and_one_without_are_refused(tmp_path):
    (tmp_path / "a.wav").touch()
    (tmp_path / "with.csv").write_text("path,emotion,speaker,split,name\na.wav,anger,A,train,first\n")
    (tmp_path / "without.csv").write_text("path,emotion,speaker,name\na.wav,anger,B,second\n")
    clips = Manifest().clips(tmp_path / "with.csv") + Manifest().clips(tmp_path / "without.csv")

    with pytest.raises(UserError, match=r"in the split train and .*a\.wav \(speaker 'B'\) in none"):
        Manifest().speaker_splits(clips)


@pytest.mark.parametrize("missing", ["nan", "NaN", "None", "<NA>", "  ", "", float("nan"), None])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_speakers_that_are_missing_are_not_one_person(folder, missing, suffix):
    if suffix == ".csv":
        text = f"path,emotion,speaker\ncalls/a.wav,sad,{missing}\ncalls/b.wav,sad,{missing}\n"
    else:
        lines = ({"path": path, "emotion": "sad", "speaker": missing} for path in ("calls/a.wav", "calls/b.wav"))
        text = "\n".join(map(json.dumps, lines))

    clips = read(folder, text, f"calls{suffix}").clips

    assert [clip.speaker_known for clip in clips] == [False, False]
    assert {clip.speaker for clip in clips} == {"unknown/calls/a.wav", "unknown/calls/b.wav"}


def test_json_without_a_number_is_an_empty_cell(folder):
    line = {"path": "d.wav", "emotion": "sad", "speaker": "anna", "age": float("nan"), "end": float("nan")}

    (clip,) = read(folder, json.dumps(line), "calls.jsonl").clips

    assert (clip.age, clip.end) == (None, None)


@pytest.mark.parametrize(("written", "on_disk"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_in_another_normal_form_is_the_same_name(tmp_path, written, on_disk):
    inner = tmp_path / unicodedata.normalize("NFD", "gespräch") / unicodedata.normalize(on_disk, "josé")
    inner.mkdir(parents=True)
    (inner / unicodedata.normalize(on_disk, "größe é.wav")).touch()
    path = unicodedata.normalize(written, "josé/größe é.wav")
    lines = f"{path},sad,jos\u00e9,0,1\n{path},sad,jose\u0301,1,2\n"

    listing = read(inner.parent, f"path,emotion,speaker,start,end\n{lines}")

    assert flaws(listing) == []
    assert {clip.file.location for clip in listing.clips} == {str(next(inner.iterdir()))}
    assert len({clip.speaker for clip in listing.clips}) == 1
