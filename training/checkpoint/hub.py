"""Checkpoints from the Hugging Face hub, kept in its own cache."""

import contextlib
import errno
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import ModelInfo

from data_pipeline.errors import UserError
from training.checkpoint.settings_files import CONFIG, FEATURE_EXTRACTOR
from training.checkpoint.weight_files import choose, is_index, read_index

_MAIN = "main"
# Seconds that the hub has to answer a question; downloads have the hub client's own limits.
_PATIENCE = 10.0
_NO_HUB = "{} does not answer as a Hugging Face hub does: see HF_ENDPOINT"
_COMMIT_LENGTH = 40
_HEXADECIMAL = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to be fetched, as the hub describes it.

    Attributes:
        revision: The commit.
        licence: As the hub calls it, such as `apache-2.0`; None where it is not stated, or the hub was not asked.
        sizes: The files of weights, with their bytes where the hub tells; none if all are in the cache.
    """

    revision: str
    licence: str | None
    sizes: dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A checkpoint as it lies in the cache.

    Attributes:
        folder: Its files may be links.
        revision: The commit.
        files: The names of all that were asked for and are there, the weights last.
    """

    folder: Path
    revision: str
    files: tuple[str, ...]


def snapshot(
    name: str, revision: str | None = None, before_weights: Callable[[Path, Plan], None] = lambda *_: None
) -> Snapshot:
    """The files of a checkpoint that are needed, fetched if they are not in the cache.

    A commit that is wholly in the cache is taken from there without asking the hub; a branch or a tag is looked up
    first, and taken as the cache knows it where the hub cannot be reached.

    Args:
        name: `owner/name`.
        revision: A branch, tag or commit; the main branch unless given.
        before_weights: Called when the settings are in the folder and the weights may not be; what it raises ends the
            fetch.

    Raises:
        UserError: If it cannot be had; says why, and what to do.
    """
    asked = revision or _MAIN
    try:
        return _snapshot(name, asked, before_weights)
    except (HTTPError, OSError, EntryNotFoundError, ValueError) as error:
        raise _explained(error, name, asked) from error


def _snapshot(name: str, asked: str, before_weights: Callable[[Path, Plan], None]) -> Snapshot:
    info, unanswered = (None, None) if _is_commit(asked) else _look_up(name, asked)
    # Without an answer from the hub, the cache's word on a branch or a tag is taken.
    cached = _cached(name, str(info.sha) if info else asked)
    if cached and (info is None or cached.files[-1] == choose(_sizes(info), f"{name} on the hub")):
        before_weights(cached.folder, Plan(cached.revision, _licence(info), {}))
        return _remembered(name, asked, cached) if info else cached
    if unanswered:
        raise unanswered
    return _fetch(name, asked, info or _ask(name, asked), before_weights)


def _look_up(name: str, asked: str) -> tuple[ModelInfo | None, Exception | None]:
    """What the hub says of a branch or a tag, or why it does not answer."""
    try:
        return _ask(name, asked), None
    except (GatedRepoError, RevisionNotFoundError, RepositoryNotFoundError, DisabledRepoError):
        raise
    except (HTTPError, OSError) as error:
        return None, error


def _fetch(name: str, asked: str, info: ModelInfo, before_weights: Callable[[Path, Plan], None]) -> Snapshot:
    commit, sizes = str(info.sha), _sizes(info)
    if CONFIG not in sizes:
        raise UserError(f"{name} on the hub has no {CONFIG} at {commit[:8]}: choose a checkpoint for transformers")
    folder = _download(name, CONFIG, commit).parent
    # That there is none is kept in the cache too, if the hub is asked for it.
    with contextlib.suppress(RemoteEntryNotFoundError):
        _download(name, FEATURE_EXTRACTOR, commit)
    chosen = choose(sizes, f"{name} on the hub")
    parts = sorted(set(read_index(_download(name, chosen, commit)).values())) if is_index(chosen) else [chosen]
    missing = [part for part in parts if part not in sizes]
    if missing:
        raise UserError(f"{name} on the hub lacks {', '.join(missing)}, which {chosen} names: choose another revision")
    before_weights(folder, Plan(commit, _licence(info), {part: sizes[part] for part in parts}))
    for part in parts:
        _download(name, part, commit)
    whole = _cached(name, commit)
    if whole is None:
        raise UserError(f"{folder} lost files while they were fetched: run the command again")
    return _remembered(name, asked, whole)


def _sizes(info: ModelInfo) -> dict[str, int | None]:
    """The files of a commit, with their bytes where the hub tells."""
    return {file.rfilename: file.size for file in info.siblings or []}


def _ask(name: str, asked: str) -> ModelInfo:
    # Unlike a download, this is not repeated when it fails, so that a machine without network answers at once.
    api = HfApi(endpoint=constants.ENDPOINT)
    try:
        info = api.model_info(name, revision=asked, timeout=_PATIENCE, files_metadata=True)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UserError(_NO_HUB.format(constants.ENDPOINT)) from error
    if not _is_commit(info.sha or ""):
        raise UserError(_NO_HUB.format(constants.ENDPOINT))
    return info


def _download(name: str, file: str, revision: str) -> Path:
    return Path(
        hf_hub_download(name, file, revision=revision, endpoint=constants.ENDPOINT, cache_dir=constants.HF_HUB_CACHE)
    )


def _remembered(name: str, asked: str, whole: Snapshot) -> Snapshot:
    """Have the cache remember which commit a branch or a tag is, for when the hub cannot be reached."""
    if not _is_commit(asked):
        # All of the checkpoint is there; a connection that breaks now should not spoil that.
        with contextlib.suppress(HTTPError, OSError, EntryNotFoundError):
            _download(name, CONFIG, asked)
    return whole


def _cached(name: str, revision: str) -> Snapshot | None:
    """The checkpoint as it lies in the cache, if all of it is there."""
    config = _in_cache(name, CONFIG, revision)
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    commit = folder.name
    extractor = _in_cache(name, FEATURE_EXTRACTOR, commit)
    there = {place.name for place in folder.iterdir() if place.is_file()}
    try:
        chosen = choose(there, name)
        parts = sorted(set(read_index(folder / chosen).values())) if is_index(chosen) else []
    except UserError:
        return None
    if extractor is None or not there.issuperset(parts):
        return None
    settings = (CONFIG, FEATURE_EXTRACTOR) if isinstance(extractor, str) else (CONFIG,)
    return Snapshot(folder, commit, (*settings, *parts, chosen))


def _in_cache(name: str, file: str, revision: str) -> object:
    """The path, None where the cache does not know of the file, or something else where it knows there is none."""
    return try_to_load_from_cache(name, file, cache_dir=constants.HF_HUB_CACHE, revision=revision)


def _is_commit(revision: str) -> bool:
    return len(revision) == _COMMIT_LENGTH and _HEXADECIMAL.issuperset(revision)


def _licence(info: ModelInfo | None) -> str | None:
    marks = [tag.removeprefix("license:") for tag in (info and info.tags) or [] if tag.startswith("license:")]
    return marks[0] if marks else None


def _explained(error: Exception, name: str, asked: str) -> UserError:
    """What a person can do about a failure; the order is from the particular to the general."""
    endpoint = constants.ENDPOINT
    elsewhere = (
        "fetch it where there is a network (`ser checkpoint fetch NAME FOLDER`) and give the folder, or set HF_HOME to "
        "a cache that has it"
    )
    cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) and error.__cause__ else error
    match cause:
        case OfflineModeIsEnabled():
            message = (
                f"{name} ({asked}) is not wholly in the cache {constants.HF_HUB_CACHE}, and HF_HUB_OFFLINE forbids "
                f"asking {endpoint}: unset it, or {elsewhere}"
            )
        case GatedRepoError():
            message = (
                f"{name} is given only to those who accepted its terms: accept them at {endpoint}/{name}, and log in "
                "with `hf auth login` or set HF_TOKEN"
            )
        case RevisionNotFoundError():
            message = f"{name} has no revision {asked!r}: see {endpoint}/{name}/commits/main for those that it has"
        case DisabledRepoError():
            message = f"{name} was closed by the hub at {endpoint}: choose another checkpoint"
        case RepositoryNotFoundError():
            message = (
                f"{name} is not on the hub at {endpoint}, or is private: check the spelling, or log in with "
                "`hf auth login` or set HF_TOKEN"
            )
        case RemoteEntryNotFoundError():
            message = f"{name} lost a file at {asked!r} while it was fetched: run the command again"
        case HfHubHTTPError():
            status = cause.response.status_code
            message = (
                f"{name} could not be fetched, the hub at {endpoint} answered {status}: try again later, or {elsewhere}"
            )
        case HFValidationError():
            message = f"{name!r} is no name on the hub: it should be owner/name, such as facebook/wav2vec2-base"
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            message = (
                f"{name} does not fit on the disk of {constants.HF_HUB_CACHE}: make room, or set HF_HOME to a larger "
                "place"
            )
        case OSError(errno=errno.EACCES | errno.EPERM | errno.EROFS):
            message = (
                f"{name} cannot be written to {constants.HF_HUB_CACHE} ({cause.strerror}): see who may write there, or "
                "set HF_HOME to another place"
            )
        case ValueError():
            message = f"{name} ({asked}) cannot be asked for ({cause}): check the name and the revision"
        case _:
            reason = str(cause).strip().partition("\n")[0] or type(cause).__name__
            message = (
                f"{name} is not wholly in the cache, and there is no connection to the hub at {endpoint} ({reason}): "
                f"try again, {elsewhere}"
            )
    return UserError(message)
