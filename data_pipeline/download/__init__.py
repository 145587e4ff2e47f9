"""Corpora from their publishers' servers: resumed, checked, side by side.

`job.download` is the way in; `publishers` says what can be fetched. Example:

    from pathlib import Path
    from data_pipeline.download import download

    download("ravdess", Path("corpora/ravdess"))
"""

from data_pipeline.download.job import Archive, Summary, download
from data_pipeline.download.progress import Progress
from data_pipeline.download.publishers import PUBLISHERS, publisher_of
from data_pipeline.download.web import DownloadError, Patience

__all__ = ["PUBLISHERS", "Archive", "DownloadError", "Patience", "Progress", "Summary", "download", "publisher_of"]
