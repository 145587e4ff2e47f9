"""Downloads, against a server on the loopback interface that has good and bad days."""

import hashlib
import io
import json
import random
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.corpora.crema_d import CremaD
from data_pipeline.download import DownloadError, Patience, download
from data_pipeline.download.archive import ArchiveError, unpack
from data_pipeline.download.crema_d import read_pointer
from data_pipeline.download.remote_file import Digest, RemoteFile, safe_name
from data_pipeline.download.web import at_mirror
from data_pipeline.errors import UserError
from tests.data_pipeline.download.http_server import serving

ROOT = Path(__file__).parents[3]

PATIENCE = Patience(connect=5, read=5, tries=3, backoff=0.01, longest_wait=0.05, breaks=3)

EMODB = "/emodb.bilderbar.info/download/download.zip"
CREMA_D = "/media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/master"
CREMA_D_ARCHIVE = "/github.com/CheyneyComputerScience/CREMA-D/archive/refs/heads/master.tar.gz"
TESS = "/borealisdata.ca/api/datasets/:persistentId/?persistentId=doi:10.5683/SP2/E8H2MF"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def site():
    with serving() as site:
        yield site


def fetch(corpus, folder, site, **options):
    return download(corpus, folder, mirror=site.url, **{"patience": PATIENCE, **options})


def zip_of(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def pointer_to(content: bytes) -> bytes:
    oid = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()


def clips(count: int) -> dict[str, bytes]:
    emotions = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
    return {
        f"{1001 + index // 6}_IEO_{emotions[index % 6]}_XX": b"RIFF" + noise(3_000 + index, index)
        for index in range(count)
    }


def put_crema_d(site, wavs: dict[str, bytes], listed=(), tables_in_lfs=False) -> None:
    """CREMA-D's repository as an archive of pointers, and its media."""
    names = listed or wavs
    tables = {
        "processedResults/tabulatedVotes.csv": b'"","A","D","F","H","N","S","fileName"\n',
        "processedResults/summaryTable.csv": b'"","FileName","VoiceVote"\n',
        "VideoDemographics.csv": b'"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","Caucasian","Not"\n',
        "SentenceFilenames.csv": ('"Stimulus_Number","Filename"\n' + "".join(f'1,"{n}"\n' for n in names)).encode(),
    }
    members = {f"AudioWAV/{name}.wav": pointer_to(content) for name, content in wavs.items()}
    members["AudioMP3/1001_IEO_ANG_XX.mp3"] = pointer_to(b"not wanted")
    for name, content in tables.items():
        members[name] = pointer_to(content) if tables_in_lfs else content
        if tables_in_lfs:
            site.put(f"{CREMA_D}/{name}", content)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(f"CREMA-D-master/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    site.put(CREMA_D_ARCHIVE, out.getvalue())
    for name, content in wavs.items():
        site.put(f"{CREMA_D}/AudioWAV/{name}.wav", content)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# One archive: EmoDB, whose size and checksum nobody publishes.


def test_an_archive_is_unpacked_and_deleted(site, tmp_path):
    archive = zip_of({"wav/03a01Fa.wav": b"RIFF1", "erkennung.txt": b"e", "lab/03a01Fa.lab": b"x", "wav/._a.wav": b""})
    site.put(EMODB, archive)

    summary = fetch("emodb", tmp_path, site)

    there = contents(tmp_path)
    assert json.loads(there.pop(".download.json"))["corpus"] == "emodb"
    assert there == {"wav/03a01Fa.wav": b"RIFF1", "erkennung.txt": b"e"}
    assert (summary.files, summary.size, summary.fetched) == (2, 6, 1)
    assert summary.archives[0].sha256 == hashlib.sha256(archive).hexdigest()
    assert not summary.archives[0].verified


def test_an_archive_stays_on_request(site, tmp_path):
    archive = zip_of({"wav/03a01Fa.wav": b"RIFF1"})
    site.put(EMODB, archive)

    fetch("emodb", tmp_path, site, keep_archive=True)

    assert (tmp_path / "download.zip").read_bytes() == archive


def test_a_broken_connection_is_taken_up_where_it_broke(site, tmp_path):
    archive = zip_of({"wav/03a01Fa.wav": noise(300_000)})
    site.put(EMODB, archive, break_after=[98_304, 49_152])

    fetch("emodb", tmp_path, site)

    tag = f'"{hashlib.sha256(archive).hexdigest()[:16]}"'
    assert [(request.range, request.if_range, request.status) for request in site.asked(EMODB)] == [
        ("", "", 200),
        ("bytes=98304-", tag, 206),
        ("bytes=147456-", tag, 206),
    ]
    assert (tmp_path / "wav/03a01Fa.wav").read_bytes() == noise(300_000)


def test_a_later_run_goes_on_where_an_earlier_one_stopped(site, tmp_path):
    served = site.put(EMODB, zip_of({"wav/03a01Fa.wav": noise(300_000)}), break_after=[98_304, 0, 0, 0, 0, 0, 0])
    with pytest.raises(DownloadError, match=r"download\.zip .* broke off 4 times in a row after 98,304 bytes"):
        fetch("emodb", tmp_path, site)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".download.zip.part", ".download.zip.part.json"]
    served.break_after.clear()
    site.requests.clear()

    fetch("emodb", tmp_path, site)

    assert [request.range for request in site.asked(EMODB)] == ["bytes=98304-"]
    assert (tmp_path / "wav/03a01Fa.wav").read_bytes() == noise(300_000)


def test_a_file_that_has_changed_in_between_is_begun_anew(site, tmp_path):
    site.put(EMODB, zip_of({"wav/03a01Fa.wav": noise(300_000)}), break_after=[98_304, 0, 0, 0, 0, 0])
    with pytest.raises(DownloadError):
        fetch("emodb", tmp_path, site)
    site.requests.clear()
    site.put(EMODB, zip_of({"wav/03a01Fa.wav": noise(300_000, seed=1)}))

    fetch("emodb", tmp_path, site)

    assert [(request.range, request.status) for request in site.asked(EMODB)] == [("bytes=98304-", 200)]
    assert (tmp_path / "wav/03a01Fa.wav").read_bytes() == noise(300_000, seed=1)


def test_a_file_that_has_become_shorter_is_begun_anew(site, tmp_path):
    """The server names no version, the checksum is known, and the part is longer than what the server has."""
    wavs = {"1001_IEO_ANG_XX": noise(50_000)}
    put_crema_d(site, wavs)
    (tmp_path / "AudioWAV").mkdir()
    (tmp_path / "AudioWAV/.1001_IEO_ANG_XX.wav.part").write_bytes(noise(40_000, seed=1))
    path = f"{CREMA_D}/AudioWAV/1001_IEO_ANG_XX.wav"
    site.files[path].etag = False
    site.files[path].content = noise(50_000)[:30_000]

    with pytest.raises(DownloadError, match="30,000 bytes, expected 50,000"):
        fetch("crema_d", tmp_path, site)

    assert [(request.range, request.status) for request in site.asked(path)] == [
        ("bytes=40000-", 416),
        ("", 200),
        ("", 200),
    ]


def test_a_server_without_ranges_sends_everything_again(site, tmp_path):
    site.put(EMODB, zip_of({"wav/03a01Fa.wav": noise(300_000)}), ranges=False, break_after=[98_304])

    fetch("emodb", tmp_path, site)

    assert [request.status for request in site.asked(EMODB)] == [200, 200]
    assert (tmp_path / "wav/03a01Fa.wav").read_bytes() == noise(300_000)


def test_halves_that_nothing_ties_together_are_not_joined(site, tmp_path):
    """Without a version's name and without a checksum, a part may be of another file."""
    site.put(EMODB, zip_of({"wav/03a01Fa.wav": noise(300_000)}), etag=False, break_after=[98_304])

    fetch("emodb", tmp_path, site)

    assert [request.range for request in site.asked(EMODB)] == ["", ""]


def test_a_busy_server_is_asked_again(site, tmp_path):
    site.put(EMODB, zip_of({"wav/03a01Fa.wav": b"RIFF"}), busy=2)

    fetch("emodb", tmp_path, site)

    assert [request.status for request in site.asked(EMODB)] == [503, 503, 200]


def test_a_server_that_stays_busy_is_named(site, tmp_path):
    site.put(EMODB, b"", busy=99)

    with pytest.raises(DownloadError, match=r"127\.0\.0\.1.* answered 503 .*later"):
        fetch("emodb", tmp_path, site)
    assert len(site.asked(EMODB)) == PATIENCE.tries + 1


def test_a_silent_server_is_given_up(site, tmp_path):
    site.put(EMODB, noise(9_000), delay=1.0)
    patience = Patience(connect=1, read=0.2, tries=0, backoff=0.01, longest_wait=0.02, breaks=1)

    start = time.monotonic()
    with pytest.raises(DownloadError, match=r"broke off 2 times in a row after 0 bytes"):
        fetch("emodb", tmp_path, site, patience=patience)
    assert time.monotonic() - start < 30


def test_nobody_at_the_address_is_an_error(tmp_path):
    with serving() as gone:
        pass

    with pytest.raises(DownloadError, match=r"cannot be reached \(.*refused\): check the connection"):
        fetch("emodb", tmp_path / "corpora" / "emodb", gone)
    assert list(tmp_path.iterdir()) == []


def test_a_corpus_that_the_server_does_not_have_is_an_error(site, tmp_path):
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:\d+/emodb\.bilderbar\.info.* is not on the server"):
        fetch("emodb", tmp_path, site)
    assert contents(tmp_path) == {}


def test_a_second_run_asks_nothing(site, tmp_path):
    site.put(EMODB, zip_of({"wav/03a01Fa.wav": b"RIFF1", "wav/03a01Nc.wav": b"RIFF2"}))
    fetch("emodb", tmp_path, site)
    site.requests.clear()
    stages = []

    summary = fetch("emodb", tmp_path, site, on_progress=lambda progress: stages.append(progress.stage))

    assert site.requests == []
    assert (summary.files, summary.fetched) == (2, 0)
    assert set(stages) == {"checking"}


@pytest.mark.parametrize("damage", [b"RIFF3", b"RIFF", None])
def test_a_file_that_was_damaged_or_lost_is_fetched_again(site, tmp_path, damage):
    site.put(EMODB, zip_of({"wav/03a01Fa.wav": b"RIFF1"}))
    fetch("emodb", tmp_path, site)
    clip = tmp_path / "wav/03a01Fa.wav"
    if damage is None:
        clip.unlink()
    else:
        clip.write_bytes(damage)

    summary = fetch("emodb", tmp_path, site)

    assert summary.fetched == 1
    assert clip.read_bytes() == b"RIFF1"


@pytest.mark.parametrize("name", ["../evil.wav", "/evil.wav", "wav/../../evil.wav", "C:/evil.wav", "..\\evil.wav"])
def test_an_archive_that_would_write_elsewhere_is_refused(site, tmp_path, name):
    site.put(EMODB, zip_of({"wav/03a01Fa.wav": b"RIFF1", name: b"RIFF2"}))
    folder = tmp_path / "emodb"

    with pytest.raises(UserError, match="would write outside its folder"):
        fetch("emodb", folder, site)

    assert contents(tmp_path) == {}


def test_a_damaged_archive_leaves_nothing_and_may_be_fetched_again(site, tmp_path):
    good = zip_of({"wav/03a01Fa.wav": noise(5_000), "wav/03a01Nc.wav": noise(5_000, seed=1)})
    bad = bytearray(good)
    bad[7_000] ^= 1
    site.put(EMODB, bytes(bad))
    with pytest.raises(UserError, match=r"download\.zip cannot be unpacked \(Bad CRC-32"):
        fetch("emodb", tmp_path, site)
    assert contents(tmp_path) == {}
    site.put(EMODB, good)

    assert fetch("emodb", tmp_path, site).files == 2


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_is_found_whatever_the_compression(site, tmp_path, method):
    good = zip_of({"wav/03a01Fa.wav": noise(2_000)}, method)
    refused = 0
    # Of the file's data, and of where the directory at the end says that they begin.
    places = [*range(45, 400, 7), len(good) - 5]
    for place in places:
        bad = bytearray(good)
        bad[place] ^= 0xFF
        (tmp_path / "a.zip").write_bytes(bad)
        try:
            unpack(tmp_path / "a.zip", tmp_path, (".wav",))
        except ArchiveError:
            refused += 1
        else:
            # LZMA's data begin with a version and a size of memory, which may well be others.
            assert (tmp_path / "wav/03a01Fa.wav").read_bytes() == noise(2_000)
    assert refused >= len(places) - 2
    site.put(EMODB, bytes(bad))

    with pytest.raises(ArchiveError, match=r"download\.zip cannot be unpacked \(.+\): delete it"):
        fetch("emodb", tmp_path / "emodb", site)
    assert not (tmp_path / "emodb").exists()


def test_what_is_no_archive_is_refused(site, tmp_path):
    site.put(EMODB, b"<html>Please log in to the guest network</html>")

    with pytest.raises(UserError, match="cannot be unpacked"):
        fetch("emodb", tmp_path, site)
    assert contents(tmp_path) == {}


def test_an_archive_of_something_else_is_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(zip_of({"readme.md": b"x"}))

    with pytest.raises(UserError, match=r"a\.zip holds no \.wav file"):
        unpack(tmp_path / "a.zip", tmp_path, (".wav",))


# RAVDESS, whose size and checksum are known beforehand.


def test_a_file_with_a_wrong_checksum_is_fetched_once_more_and_then_refused(site, tmp_path):
    path = "/zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1"
    site.put(path, b"something else")

    with pytest.raises(DownloadError, match=r"Audio_Speech_Actors_01-24\.zip .* \(14 bytes, expected 208,468,073;"):
        fetch("ravdess", tmp_path, site)

    assert len(site.asked(path)) == 2
    assert contents(tmp_path) == {}


# TESS, whose listing a Dataverse keeps.


def put_tess(site, files: dict[str, bytes], **checksum):
    entries = []
    for number, (name, content) in enumerate(files.items(), start=70):
        folder, _, filename = name.rpartition("/")
        digest = {"md5": hashlib.md5(content).hexdigest()}
        if "sha1" in checksum:
            digest = {"checksum": {"type": "SHA-1", "value": hashlib.sha1(content).hexdigest()}}
        file = {"id": number, "filename": filename, "filesize": len(content), **digest}
        entries.append({"dataFile": file, **({"directoryLabel": folder} if folder else {})})
        site.put(f"/borealisdata.ca/api/access/datafile/{number}", content)
    listing = {"status": "OK", "data": {"latestVersion": {"files": entries}}}
    site.put(TESS, json.dumps(listing).encode())


def test_tess_comes_as_its_listing_has_it(site, tmp_path):
    put_tess(
        site,
        {
            "OAF_angry/OAF_back_angry.wav": b"RIFF1",
            "YAF_sad.zip": zip_of({"YAF_sad/YAF_back_sad.wav": b"RIFF2", "YAF_sad/notes.doc": b"x"}),
            "readme.txt": b"not wanted",
        },
    )

    summary = fetch("tess", tmp_path, site)

    there = contents(tmp_path)
    del there[".download.json"]
    assert there == {"OAF_angry/OAF_back_angry.wav": b"RIFF1", "YAF_sad/YAF_back_sad.wav": b"RIFF2"}
    assert [archive.verified for archive in summary.archives] == [True]
    site.requests.clear()
    assert fetch("tess", tmp_path, site).fetched == 0
    assert site.requests == []


def test_a_dataverse_may_name_its_checksums(site, tmp_path):
    put_tess(site, {"OAF_angry/OAF_back_angry.wav": b"RIFF1"}, sha1=True)
    site.files["/borealisdata.ca/api/access/datafile/70"].wrong = 2

    with pytest.raises(DownloadError, match=r"sha1:.*, expected sha1:"):
        fetch("tess", tmp_path, site)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("listing", [b"<html>", b"{}", b'{"data": {"latestVersion": {"files": [{}]}}}', b"[]"])
def test_a_garbled_listing_is_an_error(site, tmp_path, listing):
    site.put(TESS, listing)

    with pytest.raises(DownloadError, match="no listing of a Dataverse"):
        fetch("tess", tmp_path, site)


def test_a_listing_cannot_write_elsewhere(site, tmp_path):
    put_tess(site, {"../OAF_back_angry.wav": b"RIFF1"})

    with pytest.raises(DownloadError, match="leads out of its folder"):
        fetch("tess", tmp_path / "tess", site)
    assert contents(tmp_path) == {}


# CREMA-D, thousands of small files by their LFS pointers.


@pytest.mark.parametrize("tables_in_lfs", [False, True])
def test_crema_d_is_fetched_side_by_side_and_read_as_a_corpus(site, tmp_path, tables_in_lfs):
    wavs = clips(20)
    put_crema_d(site, wavs, tables_in_lfs=tables_in_lfs)
    for name in wavs:
        site.files[f"{CREMA_D}/AudioWAV/{name}.wav"].delay = 0.02

    reports = []
    summary = fetch("crema_d", tmp_path, site, workers=5, on_progress=reports.append)

    assert {name: (tmp_path / f"AudioWAV/{name}.wav").read_bytes() for name in wavs} == wavs
    assert (summary.files, summary.set_aside) == (24, ())
    assert 2 <= site.most_at_a_time <= 5
    listing = CremaD().read(str(tmp_path))
    assert {clip.name for clip in listing.clips} == set(wavs)
    assert listing.ignored == ()
    assert listing.clips[0].sex == "male"
    last = reports[-1]
    assert (last.stage, last.files, last.size) == ("downloading", last.total_files, last.total_size)
    assert [path for path in contents(tmp_path) if ".part" in path] == []


def test_a_second_run_of_crema_d_asks_nothing(site, tmp_path):
    put_crema_d(site, clips(6))
    fetch("crema_d", tmp_path, site)
    site.requests.clear()

    assert fetch("crema_d", tmp_path, site).fetched == 0
    assert site.requests == []


def test_clips_that_the_server_does_not_have_are_set_aside(site, tmp_path):
    wavs = clips(6)
    put_crema_d(site, wavs, listed=[*wavs, "1006_TIE_NEU_XX"])
    lost = next(iter(wavs))
    content = site.files.pop(f"{CREMA_D}/AudioWAV/{lost}.wav").content

    summary = fetch("crema_d", tmp_path, site)

    assert [str(clip) for clip in summary.set_aside] == [
        "AudioWAV/1006_TIE_NEU_XX.wav is in SentenceFilenames.csv and not in the repository",
        f"AudioWAV/{lost}.wav is not on the server (404)",
    ]
    assert len(CremaD().clips(tmp_path)) == 5

    site.put(f"{CREMA_D}/AudioWAV/{lost}.wav", content)
    site.requests.clear()
    assert fetch("crema_d", tmp_path, site).fetched == 1
    assert site.counts() == {CREMA_D_ARCHIVE: 1, f"{CREMA_D}/AudioWAV/{lost}.wav": 1}


def test_the_old_name_of_a_clip_is_not_taken_for_a_missing_one(site, tmp_path):
    put_crema_d(site, {"1040_ITH_SAD_X": b"RIFF1"}, listed=["1040_ITH_SAD_XX"])

    summary = fetch("crema_d", tmp_path, site)

    assert [clip.file for clip in summary.set_aside] == []
    assert [clip.name for clip in CremaD().clips(tmp_path)] == ["1040_ITH_SAD_XX"]


def test_one_wrong_answer_is_forgiven(site, tmp_path):
    wavs = clips(3)
    put_crema_d(site, wavs)
    path = f"{CREMA_D}/AudioWAV/{next(iter(wavs))}.wav"
    site.files[path].wrong = 1

    fetch("crema_d", tmp_path, site)

    assert len(site.asked(path)) == 2
    assert {name: (tmp_path / f"AudioWAV/{name}.wav").read_bytes() for name in wavs} == wavs


def test_a_wrong_clip_is_named_and_not_kept(site, tmp_path):
    wavs = clips(3)
    put_crema_d(site, wavs)
    name = next(iter(wavs))
    site.files[f"{CREMA_D}/AudioWAV/{name}.wav"].wrong = 9

    with pytest.raises(DownloadError, match=rf"AudioWAV/{name}\.wav .*sha256:\w+, expected sha256:\w+; received 2"):
        fetch("crema_d", tmp_path, site)

    assert not list(tmp_path.glob(f"AudioWAV/*{name}*"))


def test_an_archive_that_is_none_is_an_error(site, tmp_path):
    site.put(CREMA_D_ARCHIVE, b"<html>")

    with pytest.raises(DownloadError, match="no archive of a repository"):
        fetch("crema_d", tmp_path, site)


def test_a_callback_that_raises_ends_the_job_and_the_next_run_goes_on(site, tmp_path):
    """As an interruption from the keyboard does, which arrives in the caller's thread."""
    wavs = clips(20)
    put_crema_d(site, wavs)
    for name in wavs:
        site.files[f"{CREMA_D}/AudioWAV/{name}.wav"].delay = 0.05

    def interrupt(progress):
        if progress.stage == "downloading" and progress.files >= 3:
            raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetch("crema_d", tmp_path, site, workers=2, on_progress=interrupt)
    assert time.monotonic() - start < 4
    finished = {path.name for path in (tmp_path / "AudioWAV").glob("*.wav")}
    assert 3 <= len(finished) < 20
    site.requests.clear()

    fetch("crema_d", tmp_path, site)

    asked = {path.rpartition("/")[2] for path in site.counts() if path.endswith(".wav")}
    assert asked.isdisjoint(finished)
    assert {name: (tmp_path / f"AudioWAV/{name}.wav").read_bytes() for name in wavs} == wavs


def test_a_killed_run_is_taken_up(site, tmp_path):
    content = zip_of({"wav/03a01Fa.wav": noise(400_000)})
    served = site.put(EMODB, content, delay=0.02)
    code = (
        "import sys; from pathlib import Path; from data_pipeline.download import download; "
        "download('emodb', Path(sys.argv[1]), mirror=sys.argv[2])"
    )
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path, site.url], cwd=ROOT)
    part = tmp_path / ".download.zip.part"
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size > 60_000):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    size = part.stat().st_size
    assert 60_000 < size < len(content)
    served.delay = 0.0
    site.requests.clear()

    fetch("emodb", tmp_path, site)

    assert [(request.range, request.status) for request in site.asked(EMODB)] == [(f"bytes={size}-", 206)]
    assert (tmp_path / "wav/03a01Fa.wav").read_bytes() == noise(400_000)


# What is asked for in vain.


def test_too_little_room_is_found_out_beforehand(site, tmp_path):
    put_crema_d(site, clips(2))
    huge = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9000000000000000\n"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("CREMA-D-master/AudioWAV/1001_IEO_ANG_XX.wav")
        info.size = len(huge)
        archive.addfile(info, io.BytesIO(huge))
    site.put(CREMA_D_ARCHIVE, out.getvalue())

    with pytest.raises(UserError, match=r"MB free, and downloading crema_d needs 9,000,000,000 MB: make room"):
        fetch("crema_d", tmp_path, site)
    assert [path for path in site.counts() if path.endswith(".wav")] == []


def test_a_folder_is_written_to_by_one_download_at_a_time(site, tmp_path):
    site.put(EMODB, zip_of({"wav/03a01Fa.wav": b"RIFF1"}))
    refusals = []

    def download_again(_):
        with pytest.raises(UserError, match=r"another run is writing to .*emodb: wait for it") as refusal:
            fetch("emodb", tmp_path / "emodb", site)
        refusals.append(refusal)

    fetch("emodb", tmp_path / "emodb", site, on_progress=download_again)

    assert refusals
    assert fetch("emodb", tmp_path / "emodb", site).fetched == 0


def test_files_that_never_came_leave_no_folder(site, tmp_path):
    put_tess(site, {"OAF_angry/OAF_back_angry.wav": b"RIFF1"})
    del site.files["/borealisdata.ca/api/access/datafile/70"]

    with pytest.raises(DownloadError, match="is not on the server"):
        fetch("tess", tmp_path / "tess", site)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_holds_one_corpus(site, tmp_path):
    site.put(EMODB, zip_of({"wav/03a01Fa.wav": b"RIFF1"}))
    fetch("emodb", tmp_path, site)

    with pytest.raises(UserError, match="holds emodb: give tess a folder of its own"):
        fetch("tess", tmp_path, site)


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ("savee", r"register at https://.*savee=AudioData"),
        ("manifest", r"'manifest' is no corpus that can be downloaded; .*crema_d, ravdess, tess, emodb"),
        ("synthetic", r"those that can are crema_d"),
    ],
)
def test_what_cannot_be_fetched_says_what_to_do_instead(tmp_path, corpus, message):
    with pytest.raises(UserError, match=message):
        download(corpus, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("mirror", ["files.example", "ftp://files.example", "https://"])
def test_a_mirror_is_an_address(tmp_path, mirror):
    with pytest.raises(UserError, match="no address of a mirror"):
        download("emodb", tmp_path, mirror=mirror)


def test_a_place_that_cannot_be_written_is_an_error(site, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match=r"file.* cannot be written"):
        fetch("emodb", tmp_path / "file" / "emodb", site)


def test_a_mirror_keeps_hosts_as_folders():
    url = "https://zenodo.org/records/1/a.zip?download=1"

    assert at_mirror(url, None) == url
    assert at_mirror(url, "http://m.example/x/") == "http://m.example/x/zenodo.org/records/1/a.zip?download=1"


def test_a_pointer_is_told_from_a_file():
    assert read_pointer(pointer_to(b"RIFF")) == (4, Digest("sha256", hashlib.sha256(b"RIFF").hexdigest()))
    assert read_pointer(b"RIFF") is None
    assert read_pointer(pointer_to(b"RIFF") + b"x") is None


@given(st.text())
def test_a_safe_name_stays_below_its_folder(name):
    try:
        safe = safe_name(name)
    except ValueError:
        return
    folder = Path("/corpora/tess")
    assert (folder / safe).resolve(strict=False).is_relative_to(folder)
    assert (folder / safe) != folder


def test_a_file_of_the_right_size_is_still_checked(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF2")
    remote = RemoteFile("", "a.wav", 5, Digest("sha256", hashlib.sha256(b"RIFF1").hexdigest()))

    assert "expected sha256:" in remote.difference(path)
    path.write_bytes(b"RIFF1")
    assert remote.difference(path) == ""
