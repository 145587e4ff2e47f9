"""The progress events of a training, and who receives them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Epoch:
    """The figures of one epoch, a row of `history.csv`. Those of the validation speakers are None where they were not
    evaluated.
    """

    epoch: int
    loss: float
    validation_loss: float | None
    validation_wa: float | None
    validation_ua: float | None
    seconds: float


class Observer:
    """Receives the progress events of a training. This one ignores them."""

    def on_resume(self, epoch: int) -> None:
        """An interrupted training continues after this epoch."""

    def on_embedded(self, clips: int) -> None:
        """The embeddings of so many clips have been computed, or found, since the last call."""

    def on_epoch_begin(self, epoch: int, steps: int) -> None:
        """An epoch starts. Epochs count from 1; `steps` is its number of steps."""

    def on_step(self) -> None:
        """A training step has ended."""

    def on_epoch_end(self, row: Epoch, best: bool) -> None:
        """An epoch has ended. `best` says whether its weights were kept."""


class Observers(Observer):
    """Passes each event to several observers, in their order.

    Args:
        *observers: The observers.
    """

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def on_resume(self, epoch: int) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.on_resume(epoch)

    def on_embedded(self, clips: int) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.on_embedded(clips)

    def on_epoch_begin(self, epoch: int, steps: int) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.on_epoch_begin(epoch, steps)

    def on_step(self) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.on_step()

    def on_epoch_end(self, row: Epoch, best: bool) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.on_epoch_end(row, best)
