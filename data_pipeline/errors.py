"""What may go wrong: the error that a user is meant to read, and the clip that a job leaves out."""

from dataclasses import dataclass


class UserError(Exception):
    """Something the user can put right: a missing folder, a bad file, a port in use.

    The message is one sentence that names the file or field and says what to do. The `ser` command prints it after
    `error:` and exits with status 1. Every expected failure of this project is a subclass; anything else that escapes
    is a defect.
    """


@dataclass(frozen=True, slots=True)
class SetAside:
    """A clip that could not be used. A job leaves it out and reports it, so that one bad clip never stops thousands.

    Attributes:
        file: Its path below its corpus's folder, or the line of a manifest that names it.
        reason: What is wrong with it, worded to follow the file's name (`is silent: ...`).
    """

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file} {self.reason}"
