"""What a user can do when a checkpoint cannot be fetched from the Hugging Face hub."""

import errno

from huggingface_hub import constants
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from data_pipeline.errors import UserError


def explain(error: Exception, name: str, asked: str) -> UserError:
    """The error for the user.

    Args:
        error: The exception of the hub's client.
        name: `owner/name` of the checkpoint.
        asked: The branch, tag or commit.
    """
    endpoint = constants.ENDPOINT
    elsewhere = (
        "fetch it where there is a network (`ser checkpoint fetch NAME FOLDER`) and give the folder, or set HF_HOME to "
        "a cache that has it"
    )
    cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) and error.__cause__ else error
    # The order is from the specific to the general.
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
