"""Corpora downloaded from their publishers: resumed, checked, several files at a time.

`job.download` is the way in. Example:

    from pathlib import Path
    from data_pipeline.download import download

    download("ravdess", Path("corpora/ravdess"))

- `publisher`: what a publisher is; `publishers`: all of them; `crema_d`, `tess`: those with listings.
- `job`: a whole download; `parallel`: several files at a time; `fetch`: one file; `web`: HTTP; `archive`: unpacking.
- `remote_file`: a file on a server, and on disk; `receipt`: the note that a finished download leaves.
"""

from data_pipeline.download.job import Archive, DownloadSummary, download
from data_pipeline.download.parallel import Progress
from data_pipeline.download.publishers import PUBLISHERS, publisher_of
from data_pipeline.download.web import DownloadError, Patience

__all__ = [
    "PUBLISHERS",
    "Archive",
    "DownloadError",
    "DownloadSummary",
    "Patience",
    "Progress",
    "download",
    "publisher_of",
]
