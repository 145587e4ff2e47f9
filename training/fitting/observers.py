"""Several observers of one training."""

from training.fitting.fit import Epoch, Observer


class Observers(Observer):
    """Tells each of several observers what it is told itself, in their order.

    Args:
        *observers: Who is told.
    """

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def on_resume(self, epoch: int) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.on_resume(epoch)

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
