"""Fetch checkpoints from the Hugging Face hub into its own cache."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import ModelInfo

from data_pipeline.errors import UserError
from training.checkpoint.hub_errors import explain
from training.checkpoint.settings_files import CONFIG, FEATURE_EXTRACTOR
from training.checkpoint.weights import choose, is_index, read_index

_MAIN = "main"
_TIMEOUT = 10.0
"""Seconds in which the hub has to answer a request for information; downloads have the limits of the hub's client."""

_NO_HUB = "{} does not answer as a Hugging Face hub does: see HF_ENDPOINT"
_COMMIT_LENGTH = 40
_HEXADECIMAL = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Download:
    """What is going to be fetched, as the hub describes it.

    Attributes:
        revision: The commit.
        licence: Name on the hub, such as `apache-2.0`; None if it is not stated, or the hub was not asked.
        sizes: The files of weights with their sizes in bytes, None if the hub does not state them; empty if all files
            are in the cache.
    """

    revision: str
    licence: str | None
    sizes: dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A checkpoint in the cache.

    Attributes:
        folder: Folder with its files, which may be links.
        revision: The commit.
        files: Names of the needed files that are there, the weights last.
    """

    folder: Path
    revision: str
    files: tuple[str, ...]


def snapshot(
    name: str, revision: str | None = None, before_weights: Callable[[Path, Download], None] = lambda *_: None
) -> Snapshot:
    """The needed files of a checkpoint, fetched if they are not in the cache.

    For a commit that is in the cache the hub is not asked. A branch or a tag is looked up on the hub first; if the hub
    cannot be reached, the commit that the cache has for it is used.

    Args:
        name: `owner/name`.
        revision: A branch, tag or commit. Defaults to the main branch.
        before_weights: Called when the settings are in the folder and the weights may not be; an exception ends the
            fetch.

    Raises:
        UserError: If it cannot be fetched; says why, and what to do.
    """
    asked = revision or _MAIN
    try:
        return _snapshot(name, asked, before_weights)
    except (HTTPError, OSError, EntryNotFoundError, ValueError) as error:
        raise explain(error, name, asked) from error


def _snapshot(name: str, asked: str, before_weights: Callable[[Path, Download], None]) -> Snapshot:
    info, unanswered = (None, None) if _is_commit(asked) else _look_up(name, asked)
    # Without an answer from the hub, the commit that the cache has for a branch or a tag is used.
    cached = _cached(name, str(info.sha) if info else asked)
    if cached and (info is None or cached.files[-1] == choose(_sizes(info), f"{name} on the hub")):
        before_weights(cached.folder, Download(cached.revision, _licence(info), {}))
        return _remember(name, asked, cached) if info else cached
    if unanswered:
        raise unanswered
    return _fetch(name, asked, info or _ask(name, asked), before_weights)


def _look_up(name: str, asked: str) -> tuple[ModelInfo | None, Exception | None]:
    """The hub's information on a branch or a tag, or the error if it does not answer."""
    try:
        return _ask(name, asked), None
    except (GatedRepoError, RevisionNotFoundError, RepositoryNotFoundError, DisabledRepoError):
        raise
    except (HTTPError, OSError) as error:
        return None, error


def _fetch(name: str, asked: str, info: ModelInfo, before_weights: Callable[[Path, Download], None]) -> Snapshot:
    commit, sizes = str(info.sha), _sizes(info)
    if CONFIG not in sizes:
        raise UserError(f"{name} on the hub has no {CONFIG} at {commit[:8]}: choose a checkpoint for transformers")
    folder = _download(name, CONFIG, commit).parent
    # If there is none, the cache remembers that too.
    with contextlib.suppress(RemoteEntryNotFoundError):
        _download(name, FEATURE_EXTRACTOR, commit)
    chosen = choose(sizes, f"{name} on the hub")
    parts = sorted(set(read_index(_download(name, chosen, commit)).values())) if is_index(chosen) else [chosen]
    missing = [part for part in parts if part not in sizes]
    if missing:
        raise UserError(f"{name} on the hub lacks {', '.join(missing)}, which {chosen} names: choose another revision")
    before_weights(folder, Download(commit, _licence(info), {part: sizes[part] for part in parts}))
    for part in parts:
        _download(name, part, commit)
    whole = _cached(name, commit)
    if whole is None:
        raise UserError(f"{folder} lost files while they were fetched: run the command again")
    return _remember(name, asked, whole)


def _sizes(info: ModelInfo) -> dict[str, int | None]:
    """The files of a commit with their sizes in bytes, None if the hub does not state them."""
    return {file.rfilename: file.size for file in info.siblings or []}


def _ask(name: str, asked: str) -> ModelInfo:
    # Unlike a download, this is not repeated when it fails, so a machine without network gets its error at once.
    api = HfApi(endpoint=constants.ENDPOINT)
    try:
        info = api.model_info(name, revision=asked, timeout=_TIMEOUT, files_metadata=True)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UserError(_NO_HUB.format(constants.ENDPOINT)) from error
    if not _is_commit(info.sha or ""):
        raise UserError(_NO_HUB.format(constants.ENDPOINT))
    return info


def _download(name: str, file: str, revision: str) -> Path:
    return Path(
        hf_hub_download(name, file, revision=revision, endpoint=constants.ENDPOINT, cache_dir=constants.HF_HUB_CACHE)
    )


def _remember(name: str, asked: str, whole: Snapshot) -> Snapshot:
    """Let the cache remember the commit of a branch or a tag, for times when the hub cannot be reached."""
    if not _is_commit(asked):
        # The checkpoint is complete, so a connection that breaks now does not matter.
        with contextlib.suppress(HTTPError, OSError, EntryNotFoundError):
            _download(name, CONFIG, asked)
    return whole


def _cached(name: str, revision: str) -> Snapshot | None:
    """The checkpoint in the cache, or None if it is not complete."""
    config = _in_cache(name, CONFIG, revision)
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    commit = folder.name
    extractor = _in_cache(name, FEATURE_EXTRACTOR, commit)
    files = {place.name for place in folder.iterdir() if place.is_file()}
    try:
        chosen = choose(files, name)
        parts = sorted(set(read_index(folder / chosen).values())) if is_index(chosen) else []
    except UserError:
        return None
    if extractor is None or not files.issuperset(parts):
        return None
    settings = (CONFIG, FEATURE_EXTRACTOR) if isinstance(extractor, str) else (CONFIG,)
    return Snapshot(folder, commit, (*settings, *parts, chosen))


def _in_cache(name: str, file: str, revision: str) -> object:
    """The path; None if the cache does not know the file; another object if it knows that there is none."""
    return try_to_load_from_cache(name, file, cache_dir=constants.HF_HUB_CACHE, revision=revision)


def _is_commit(revision: str) -> bool:
    return len(revision) == _COMMIT_LENGTH and _HEXADECIMAL.issuperset(revision)


def _licence(info: ModelInfo | None) -> str | None:
    marks = [tag.removeprefix("license:") for tag in (info and info.tags) or [] if tag.startswith("license:")]
    return marks[0] if marks else None
