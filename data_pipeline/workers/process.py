"""How worker processes start: quickly, without TensorFlow, and without outliving the process that started them.

Decoders are native code. A damaged file may crash one or keep it busy for ever, and Python cannot catch either. A
worker process is therefore made to be lost.
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

from data_pipeline.errors import UserError

_SINGLE_THREADED = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Products of small matrices gain nothing from threads, which would compete with the other processes for cores."""


def worker_count(asked: int | None) -> int:
    """Number of worker processes.

    Args:
        asked: What the user asked for, or None for one process for each processor that this process may use.

    Raises:
        UserError: If it is less than one.
    """
    count = len(os.sched_getaffinity(0)) if asked is None else asked
    if count < 1:
        raise UserError(f"{count} workers cannot do anything; ask for at least 1")
    return count


def context(*modules: str) -> ForkServerContext:
    """Start the server that worker processes are forked from, and return the context that uses it.

    The server imports everything once. A fork of this process would inherit its threads' locks; a fresh process would
    import everything anew. Called early, the server imports while this process does other things.

    Args:
        modules: Names of the modules to import; none of them may import TensorFlow. They are ignored where the server
            runs already.
    """
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload([__name__, *modules])
    with _environment(_SINGLE_THREADED):
        forkserver.ensure_running()
    return forking


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Environment variables of processes that are started within."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Processes that are started within do not import the script that the user started.

    They need nothing of it and it may take long to import. Where it lacks `if __name__ == "__main__":`, it would start
    processes of its own.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def start() -> None:
    """Make a new process ready to be lost. To be called in that process, on its main thread."""
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
    """End this process when the one that the user started is gone: it was killed, and another run may be writing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
