"""What a file is instead of audio, with the remedy: from its first bytes."""

HEAD = 512
"""Number of bytes that tell."""

_CONVERT = "convert it to WAV (ffmpeg -i FILE OUT.wav)"

_BEGINNINGS = (
    (b"version https://git-lfs", "it is a Git LFS pointer, not the recording itself: run `git lfs pull` and try again"),
    (b"/annex/objects/", "it is a git-annex pointer, not the recording itself: run `git annex get` and try again"),
    (b"PK\x03\x04", "it is a ZIP archive: unpack it"),
    (b"\x1f\x8b", "it is compressed with gzip: unpack it"),
    (b"BZh", "it is compressed with bzip2: unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive: unpack it"),
    (b"Rar!", "it is a RAR archive: unpack it"),
    (b"%PDF", "it is a PDF: give the recording"),
    (b"\x89PNG", "it is a picture: give the recording"),
    (b"\xff\xd8\xff", "it is a picture: give the recording"),
    (b"MThd", "it is MIDI, which holds notes and no sound: give a recording"),
)


def cause(head: bytes) -> str:
    """Why a file is not decoded, and what to do.

    Args:
        head: Its first `HEAD` bytes, at least one.

    Returns:
        A sentence, worded to follow a colon.
    """
    for beginning, sentence in _BEGINNINGS:
        if head.startswith(beginning):
            return sentence
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "it is a web page (HTML), as a failed download leaves it: download the recording again"
    if text.startswith((b"<?xml", b"<")):
        return "it is XML, perhaps the error message of a store: download the recording again"
    if not any(head):
        return "it holds zero bytes only, as a broken copy does: copy it again"
    if _is_text(head):
        return "it is a text file: give the recording"
    if head.startswith((b"RIFF", b"FORM", b"fLaC", b"OggS", b"ID3")) or head[4:8] == b"ftyp":
        return (
            f"it begins as audio does, but is damaged, cut off or coded in an unknown way: copy it again, or {_CONVERT}"
        )
    return f"it has no header that a decoder knows; if it is raw samples or a rare format, {_CONVERT}"


def _is_text(head: bytes) -> bool:
    # The last character may be cut in the middle.
    text = head.decode("utf-8", errors="replace").rstrip("\N{REPLACEMENT CHARACTER}")
    return "\N{REPLACEMENT CHARACTER}" not in text and all(one.isprintable() or one in "\t\r\n\f" for one in text)
