"""What a job leaves out and says so, so that one bad clip never stops thousands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SetAside:
    """A clip that could not be used.

    Attributes:
        file: Its path below its corpus's folder, or the line of a manifest that names it.
        reason: What is wrong with it, worded to follow the file's name (`is silent: ...`).
    """

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file} {self.reason}"
