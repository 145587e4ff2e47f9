"""How processes of a pool start: quickly, without TensorFlow, and without outliving the one that started them.

Decoders are native code: a damaged file may crash one, or keep it busy for ever, where Python can catch nothing. A
process is therefore made to be lost.
"""

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from types import ModuleType

SECONDS_PER_CLIP = 120
"""After which a process that is still at the same clip is ended: two orders of magnitude above the time that the
longest admissible file takes."""


def context(*modules: str) -> ForkServerContext:
    """Processes forked from a server of their own, which has everything imported already.

    A forked copy of this process would inherit its threads' locks; a fresh one would import everything anew.

    Args:
        modules: What to import, by name; none of them may import TensorFlow.
    """
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload([__name__, *modules])
    return forking


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Processes started within do not import the script that the user started.

    They need nothing of it, it may take long to import, and where it lacks `if __name__ == "__main__":` it would start
    processes of its own.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def warm_up(*modules: str) -> None:
    """Start the server that processes are forked from, so that it imports while this process does other things.

    Args:
        modules: See `context`.
    """
    context(*modules)
    forkserver.ensure_running()


def start() -> None:
    """Make a new process ready to be lost; to be called in it, on its main thread."""
    # Ctrl-C reaches the whole group of processes; the one that the user started tells the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Not caught, so that it ends the process wherever in native code it is.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    # libmpg123 complains there of each damaged frame, across the progress bar; what matters comes back as a result.
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
    # A shard's thousands of clips would be searched for garbage again and again, for a twentieth of the time.
    gc.set_threshold(100_000, 50, 50)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """End this process when the one that the user started is gone, killed perhaps, and another run may be writing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
