"""TensorFlow's start-up lines, kept from the terminal of a person who asked for something else.

On import, TensorFlow's libraries write to the process's standard error that oneDNN is on and that there is no GPU,
before any of their settings can take effect. `hush` holds standard error back for just that import. If the import
fails, what was held back is shown.
"""

import importlib.abc
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def hush() -> None:
    """Have the first `import tensorflow` of this process print nothing; `TF_CPP_MIN_LOG_LEVEL` set by hand wins."""
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        return
    # 3 keeps the error that every machine without a GPU gets from asking CUDA for one out of sight.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    sys.meta_path.insert(0, _TensorFlowFinder())


class _TensorFlowFinder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):  # noqa: ARG002  the protocol's signature
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec and spec.loader:
            load = spec.loader.exec_module

            def load_quietly(module) -> None:
                with _standard_error_held_back():
                    load(module)

            spec.loader.exec_module = load_quietly  # type: ignore[method-assign]
        return spec


@contextmanager
def _standard_error_held_back() -> Iterator[None]:
    """Libraries write to file descriptor 2, not to `sys.stderr`, so that is what is turned away."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(terminal, 2)
            held_back.seek(0)
            sys.stderr.buffer.write(held_back.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
