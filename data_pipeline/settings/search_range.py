"""What a search of settings tries for one of them: a range of numbers, or one of several values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data_pipeline.errors import UserError


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included; integers if both ends are integers.

    Attributes:
        low: The smallest number.
        high: The largest number.
        log: Whether numbers are drawn evenly on a logarithmic scale.
        step: Distance between the numbers, counted from `low`. None for any number.

    Raises:
        UserError: If these are not numbers, or contradict each other.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        for name in ("low", "high", "step"):
            value = getattr(self, name)
            if value is None and name == "step":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < float("inf"):
                raise UserError(f"{name} is {value!r}: give a number")
        if not isinstance(self.log, bool):
            raise UserError(f"log is {self.log!r}: give true or false")
        if self.low >= self.high:
            raise UserError(f"low is {self.low!r} and high {self.high!r}: give two numbers, the lower as low")
        if self.log and (self.low <= 0 or self.step is not None):
            raise UserError("with log, low is above 0 and there is no step")
        if self.step is not None and (self.step <= 0 or (self.whole and not isinstance(self.step, int))):
            raise UserError(f"step is {self.step!r}: give a number above 0, a whole one between whole numbers")

    @property
    def whole(self) -> bool:
        """Whether only integers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def ends(self) -> tuple[Any, ...]:
        """The smallest and the largest number."""
        return self.low, self.high

    def holds(self, value: Any) -> bool:
        """Whether the range contains a value."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        steps = (value - self.low) / self.step if self.step else 0.0
        return abs(steps - round(steps)) < 1e-8

    def in_words(self) -> str:
        """The range as text, such as "0.0001 to 0.003 (logarithmic)"."""
        return (
            f"{self.low:g} to {self.high:g}"
            + (" (logarithmic)" if self.log else "")
            + (f" in steps of {self.step:g}" if self.step else "")
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values.

    Attributes:
        choices: Numbers, texts, true or false.

    Raises:
        UserError: If there are fewer than two, or one of them twice.
    """

    choices: tuple[Any, ...]

    def __post_init__(self) -> None:
        known = isinstance(self.choices, tuple) and all(isinstance(one, str | int | float) for one in self.choices)
        if not known or len(set(self.choices)) < max(len(self.choices), 2):
            raise UserError(f"choices are {self.choices!r}: give a list of two or more numbers or texts, each once")

    def ends(self) -> tuple[Any, ...]:
        """All choices."""
        return self.choices

    def holds(self, value: Any) -> bool:
        """Whether a value is one of the choices."""
        return value in self.choices

    def in_words(self) -> str:
        """The choices as text."""
        return ", ".join(map(str, self.choices))


Space = Mapping[str, Range | Choice]
"""What a search tries, by the names of settings, with a dot after each section: `fit.learning_rate`."""
