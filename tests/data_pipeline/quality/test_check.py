"""`ser data check`: what it finds in corpora on disk, what it writes, and that no file stops it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from data_pipeline.audio.decode import decode
from data_pipeline.cli.check import check as check_command
from data_pipeline.corpora.sources import parse_sources
from data_pipeline.errors import UserError
from data_pipeline.prepare.job import prepare
from data_pipeline.quality.check import check
from data_pipeline.quality.check_files import summary, write
from data_pipeline.quality.duplicates import linked_groups
from data_pipeline.quality.findings import UNUSABLE, Kind
from data_pipeline.quality.near_duplicates import Match
from data_pipeline.quality.recording import of_file
from data_pipeline.storage import StoredFile
from tests.data_pipeline.damaged import damaged_copies
from tests.html_page import HtmlPage
from tests.voice import voice

ROOT = Path(__file__).parents[3]


def speech(seed: int, seconds: float = 1.0) -> np.ndarray:
    """Somebody speaks, as int16 would hold it; every seed says something else."""
    return np.rint(voice(seconds, amplitude=0.25, seed=seed) * 32_768) / 32_768


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """CREMA-D's layout with one clip of every trouble among good ones."""
    folder = tmp_path_factory.mktemp("corpora") / "crema_d"
    folder.mkdir()

    def save(name: str, waveform: np.ndarray, rate: int = 16_000, **how) -> None:
        soundfile.write(folder / f"{name}.wav", waveform, rate, **how)

    for seed, sentence in enumerate(
        ("IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI")
    ):
        save(f"1001_{sentence}_NEU_XX", speech(seed))
    save("1002_IEO_ANG_XX", np.clip(20 * speech(20), -1, 1))
    save("1002_IEO_DIS_XX", np.zeros(16_000))
    save("1002_IEO_FEA_XX", speech(21) + 0.05)
    save("1002_IEO_HAP_XX", speech(22, 0.05))
    save("1002_IEO_SAD_XX", speech(23)[::2], 8_000)
    (folder / "1002_TIE_ANG_XX.wav").touch()
    (folder / "1002_TIE_DIS_XX.wav").write_text("This is not a recording. " * 100)
    # Speakers 1001 and 1015 are in different splits.
    save("1015_IEO_NEU_XX", speech(0))
    save("1001_TIE_SAD_XX", speech(1))
    save("1002_ITS_NEU_XX", 0.5 * speech(9)[800:])
    (folder / "1001_holiday.wav").touch()
    return folder


@pytest.fixture(scope="module")
def result(corpus):
    return check([f"crema_d={corpus}"], workers=2)


def test_every_trouble_is_found_and_nothing_else(result):
    found = {(result.recordings[finding.place].name, finding.kind) for finding in result.findings}

    assert found == {
        ("1002_IEO_ANG_XX", Kind.CLIPPED),
        ("1002_IEO_ANG_XX", Kind.LEVEL),
        ("1002_IEO_DIS_XX", Kind.SILENT),
        ("1002_IEO_FEA_XX", Kind.OFFSET),
        ("1002_IEO_HAP_XX", Kind.TOO_SHORT),
        ("1002_IEO_SAD_XX", Kind.RATE),
        ("1002_TIE_ANG_XX", Kind.EMPTY),
        ("1002_TIE_DIS_XX", Kind.UNREADABLE),
    }
    assert result.unusable == 4
    assert result.ignored == ("1001_holiday.wav",)


def test_repeats_are_told_apart_from_contradictions_and_leaks(result):
    groups = {
        tuple(sorted(one.name for one in group.recordings)): (group.exact, group.contradictory, group.leaking)
        for group in result.repeats
    }

    assert groups == {
        ("1001_IEO_NEU_XX", "1015_IEO_NEU_XX"): (True, False, True),
        ("1001_TIE_NEU_XX", "1001_TIE_SAD_XX"): (True, True, False),
        ("1001_ITS_NEU_XX", "1002_ITS_NEU_XX"): (False, False, False),
    }
    assert (result.contradictions, result.leaks) == (1, 1)


def test_the_number_of_workers_changes_nothing(corpus, result):
    assert check([f"crema_d={corpus}"], workers=1) == result


def test_a_folder_alone_is_recognised(corpus, result):
    assert check([str(corpus)], workers=2).recordings == result.recordings


def test_a_folder_of_no_corpus_is_checked_without_labels(tmp_path):
    (tmp_path / "calls" / "monday").mkdir(parents=True)
    soundfile.write(tmp_path / "calls" / "monday" / "a.wav", speech(0), 16_000)
    soundfile.write(tmp_path / "calls" / "b.flac", speech(0), 16_000)
    (tmp_path / "calls" / "notes.txt").write_text("not audio")

    found = check([str(tmp_path / "calls")], workers=1)

    assert [recording.title for recording in found.recordings] == ["calls/b.flac", "calls/monday/a.wav"]
    assert all(recording.emotion is None for recording in found.recordings)
    assert [group.exact for group in found.repeats] == [True]
    assert (found.contradictions, found.leaks) == (0, 0)


def test_a_single_file(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)

    assert check([str(tmp_path / "a.wav")], workers=1).counts == {Kind.SILENT: 1}


def test_a_manifest_with_times_checks_the_parts(tmp_path):
    call = np.concatenate([speech(0), np.zeros(16_000), speech(1)])
    soundfile.write(tmp_path / "call.wav", call, 16_000)
    (tmp_path / "calls.csv").write_text(
        "path,name,emotion,speaker,start,end\n"
        "call.wav,a,anger,1,0,1\ncall.wav,b,neutral,1,1,2\ncall.wav,c,sadness,2,2,3\ncall.wav,d,fear,2,2,3\n"
    )

    found = check([str(tmp_path / "calls.csv")], workers=1)

    assert found.counts == {Kind.SILENT: 1}
    assert found.contradictions == 1


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("gone", "gone"),
        ("crema_d=gone", "does not exist"),
        ("nonsense=gone", "no corpus"),
        ("empty", "holds no audio"),
        ("", "is empty: give"),
    ],
)
def test_what_cannot_be_checked_is_a_user_error(tmp_path, monkeypatch, source, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()

    with pytest.raises(UserError, match=words):
        check([source], workers=1)


def test_other_corpora_beside_the_one_that_was_recognised_are_named(app, tmp_path):
    wavs = ["CREMA-D/AudioWAV/1001_IEO_NEU_XX.wav", "EmoDB/wav/03a01Fa.wav", "Actor_12/03-01-06-01-02-01-12.wav"]
    # The same clip in another format is no stranger.
    for number, name in enumerate([*wavs, "CREMA-D/AudioFLAC/1001_IEO_NEU_XX.flac"]):
        (tmp_path / name).parent.mkdir(parents=True)
        soundfile.write(tmp_path / name, speech(number), 16_000)

    found = check([str(tmp_path)], workers=1)
    ended = run(app, tmp_path, "--output", tmp_path / "out")

    assert found.corpora == ("crema_d",)
    assert found.elsewhere == tuple(sorted(str(tmp_path / name) for name in wavs[1:]))
    assert summary(found)["elsewhere"] == list(found.elsewhere)
    text = " ".join(ended.output.split())
    assert "audio files beside the corpus, 2 in all, not checked; name each corpus with its folder" in text
    page = (tmp_path / "out" / "check.html").read_text()
    assert "not checked: 2" in page
    assert "wav/03a01Fa.wav" in page
    # Named or recognised, what is passed over is told; what another name takes is not passed over.
    assert check([f"crema_d={tmp_path}"], workers=1).elsewhere == found.elsewhere
    both = check([f"crema_d={tmp_path}", f"emodb={tmp_path}"], workers=1)
    assert str(tmp_path / wavs[1]) not in both.elsewhere
    assert str(tmp_path / wavs[2]) in both.elsewhere


def test_a_corpus_at_two_places_is_split_as_prepare_splits_it(tmp_path):
    """A speaker who is at both places is in one split, and so no leak."""
    rows = [(f"s{number}", place) for number in range(10) for place in ("a", "b")]
    for number, (speaker, place) in enumerate([*rows, *((f"t{number}", "b") for number in range(9))]):
        folder = tmp_path / place / "angry" / speaker
        folder.mkdir(parents=True)
        soundfile.write(folder / f"{place}.wav", speech(number), 16_000)
    places = [f"folders={tmp_path / place}" for place in ("a", "b")]

    found = check(places, workers=1)
    prepared = prepare(parse_sources(places), tmp_path / "data", workers=1)

    splits = {(recording.split, f"folders/{recording.speaker}") for recording in found.recordings}
    assert splits == {(split, name) for split, part in prepared.dataset.splits.items() for name in part.speakers}
    assert [recording.name for recording in found.recordings[:10]] == [f"angry/s{number}/a" for number in range(10)]


@pytest.mark.parametrize("source", ["crema_d=~/corpus", "~/corpus"])
def test_a_place_may_be_below_the_home(tmp_path, monkeypatch, source):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "corpus").mkdir()
    soundfile.write(tmp_path / "corpus" / "1001_IEO_NEU_XX.wav", speech(0), 16_000)

    assert [recording.title for recording in check([source], workers=1).recordings] == ["crema_d/1001_IEO_NEU_XX"]


def test_many_near_duplicates_are_grouped_in_no_time(tmp_path):
    count = 20_000
    recordings = [of_file("calls", StoredFile(f"{place}.wav", f"{place}.wav", 1, 0)) for place in range(2 * count)]
    match = Match(correlation=1.0, shift=0.0, gain=0.0)
    begun = time.process_time()

    groups = linked_groups(recordings, (((place, place + count), match) for place in range(count)))

    assert [(group.places, group.matches) for group in groups[:2]] == [
        ((0, count), (((0, count), match),)),
        ((1, count + 1), (((1, count + 1), match),)),
    ]
    assert len(groups) == count
    # A fiftieth of that on an idle machine; what must not creep in is work that grows with the square.
    assert time.process_time() - begun < 10


def test_the_json_holds_everything(result, tmp_path):
    write(result, tmp_path / "new" / "folder")

    content = json.loads((tmp_path / "new" / "folder" / "check.json").read_text())

    clips = content.pop("clips")
    assert content == json.loads(json.dumps(summary(result)))
    assert [clip["clip"] for clip in clips] == [recording.title for recording in result.recordings]
    assert {clip["clip"] for clip in clips if "failure" in clip} == {
        "crema_d/1002_TIE_ANG_XX",
        "crema_d/1002_TIE_DIS_XX",
    }
    usable = next(clip for clip in clips if clip["clip"] == "crema_d/1002_IEO_SAD_XX")
    assert (usable["rate"], usable["seconds"], usable["format"]) == (8_000, 1.0, "WAV PCM_16")
    assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} == {"check.json", "check.html"}


def test_the_page_shows_findings_and_loads_nothing(result, tmp_path):
    page = HtmlPage.of(write(result, tmp_path))

    assert all(link.startswith("#") for link in page.links)
    assert "url(" not in page.source
    for finding in result.findings:
        [row, *_] = [row for row in page.rows_of(result.recordings[finding.place].title) if finding.kind in row]
        assert finding.detail in row
    assert "contradicting labels" in page.text
    assert "in the splits train and validation" in page.text
    # Five decodable clips with findings, one of each identical group, two of the nearly identical one.
    assert sum(label.startswith("waveform") for label in page.labels) == 10
    assert page.labels.count("histogram of the duration in s") == 1


def test_names_from_disk_are_escaped(tmp_path):
    folder = tmp_path / "<b>calls"
    folder.mkdir()
    (folder / "<script>alert(1)&.wav").touch()

    text = write(check([str(folder)], workers=1), tmp_path / "out").read_text()

    assert "<script>alert" not in text
    assert "<b>calls" not in text
    assert "&lt;script&gt;alert(1)&amp;.wav" in text


def test_more_waveforms_than_are_drawn_are_counted(tmp_path):
    for number in range(70):
        # Just short enough; who speaks with the seed 30 says too little in so short a time.
        soundfile.write(tmp_path / f"{number}.wav", speech(number + (number >= 30), 0.39), 16_000)

    found = check([str(tmp_path)], workers=2)
    page = HtmlPage.of(write(found, tmp_path / "out"))

    assert found.counts == {Kind.SHORT: 70}
    assert sum(label.startswith("waveform") for label in page.labels) == 60
    assert "10 more are not" in page.text


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(check_command)
    return app


def run(app, *arguments):
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "100"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_command_says_what_it_found_and_where_the_page_is(app, corpus, tmp_path):
    ended = run(app, corpus, "--output", tmp_path, "--workers", 2)

    assert ended.exit_code == 0
    rows = [" ".join(line.split()) for line in ended.output.splitlines()]
    assert "silent (unusable) 1" in rows
    assert "clipped 1" in rows
    assert "crema_d/1002_TIE_ANG_XX is empty (zero bytes)" in rows
    assert "crema_d/1001_TIE_NEU_XX = crema_d/1001_TIE_SAD_XX: contradicting labels" in rows
    assert f"page: {tmp_path / 'check.html'}" in rows
    assert (tmp_path / "check.html").exists()


def test_strict_exits_with_2_where_something_must_be_put_right(app, corpus, tmp_path):
    assert run(app, corpus, "--output", tmp_path / "out", "--strict").exit_code == 2
    (tmp_path / "good").mkdir()
    soundfile.write(tmp_path / "good" / "a.wav", speech(0), 16_000)
    assert run(app, tmp_path / "good", "--output", tmp_path / "out", "--strict").exit_code == 0


def test_an_output_that_cannot_be_written_is_found_out_before_the_work(app, corpus, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("data_pipeline.quality.check.check", lambda *_, **__: pytest.fail("the work was begun"))

    with pytest.raises(UserError, match="file is a file: give a folder"):
        run(app, corpus, "--output", tmp_path / "file")
    with pytest.raises(UserError, match=r"file/out cannot be written \(Not a directory\)"):
        run(app, corpus, "--output", tmp_path / "file" / "out")


def test_a_check_that_fails_leaves_no_folder(app, tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        run(app, tmp_path / "gone", "--output", tmp_path / "new" / "out")

    assert list(tmp_path.iterdir()) == []


def test_json_is_all_that_is_printed(app, corpus, tmp_path, result):
    ended = run(app, f"crema_d={corpus}", "--output", tmp_path, "--json")

    assert json.loads(ended.stdout) == json.loads(json.dumps(summary(result)))


def test_tensorflow_is_not_needed(corpus, tmp_path):
    # Seconds of start in every process.
    code = (
        "import sys; from data_pipeline.quality.check import check; from pathlib import Path\n"
        "from data_pipeline.quality.check_files import write\n"
        f"if __name__ == '__main__': write(check([{str(corpus)!r}], workers=1), Path({str(tmp_path)!r})); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("container", ["wav", "flac", "mp3", "ogg"])
def test_damaged_files_neither_crash_nor_hang(speech_data, tmp_path, container):
    whole = next((speech_data / "crema_d" / "AudioMP3").glob("1001_IEO_NEU_XX.mp3"))
    original = tmp_path / f"clip.{container}"
    if container == "mp3":
        original.write_bytes(whole.read_bytes())
    else:
        soundfile.write(original, decode(whole), 16_000)
    copies = damaged_copies(original, tmp_path / "copies", 50, seed=0)

    found = check([str(tmp_path / "copies")], workers=2)

    assert len(found.measurements) == len(copies) == 50
    useless = [finding for finding in found.findings if finding.kind in UNUSABLE]
    assert 5 <= len(useless) < 50
    assert all(finding.detail and "\n" not in finding.detail for finding in found.findings)
    assert all(one.failure or 0 < one.seconds <= 300 for one in found.measurements)
    write(found, tmp_path / "out")


def test_what_is_known_to_be_wrong_in_crema_d_is_found(speech_data, tmp_path):
    names = [
        *("1076_MTI_SAD_XX", "1006_TIE_HAP_XX", "1006_TIE_NEU_XX", "1017_IWW_ANG_XX", "1017_IWW_FEA_XX"),
        *(path.stem for path in sorted((speech_data / "crema_d" / "AudioMP3").glob("1003_*.mp3"))),
    ]
    for name in names:
        (tmp_path / f"{name}.mp3").symlink_to(speech_data / "crema_d" / "AudioMP3" / f"{name}.mp3")

    found = check([f"crema_d={tmp_path}"], workers=2)

    assert [found.recordings[finding.place].name for finding in found.findings] == ["1076_MTI_SAD_XX"]
    assert found.counts == {Kind.SILENT: 1}
    assert [[one.name for one in group.recordings] for group in found.repeats] == [names[1:3], names[3:5]]
    assert found.contradictions == 2


@pytest.mark.slow
def test_real_corpora_are_not_buried_in_findings(speech_data):
    found = check([f"{name}={speech_data / name}" for name in ("crema_d", "emodb", "ravdess")])

    assert found.counts == {Kind.SILENT: 1, Kind.CHANNELS: 2}
    # Two identical pairs, and five that CREMA-D cut from one recording at different video frames.
    assert [group.exact for group in found.repeats] == [True] * 2 + [False] * 5
