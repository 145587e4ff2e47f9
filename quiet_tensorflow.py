"""Keep from the terminal what TensorFlow says to its developers: start-up messages, and warnings of retracing.

On import, TensorFlow's libraries write to standard error that oneDNN is on and that there is no GPU, before any of
their settings can take effect. `hush` withholds standard error during that import only. If the import fails for a
reason that is not the user's, the withheld output is shown.
"""

import importlib.abc
import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from data_pipeline.errors import UserError


def hush() -> None:
    """Silence the first `import tensorflow` and warnings of retracing, unless `TF_CPP_MIN_LOG_LEVEL` is set."""
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        return
    # Level 3 hides the error that TensorFlow logs on every machine without a GPU.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    sys.meta_path.insert(0, _TensorFlowFinder())
    logging.getLogger("tensorflow").addFilter(_is_no_retracing)


def _is_no_retracing(record: logging.LogRecord) -> bool:
    # A command that uses several models, such as those of folds, traces a graph for each. TensorFlow counts them
    # together, because the same line makes them, and warns of a loop that is none.
    return "triggered tf.function retracing" not in record.getMessage()


class _TensorFlowFinder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):  # noqa: ARG002  the protocol's signature
        if fullname != "tensorflow":
            return None
        # The others look for it. Afterwards this one is there again: to look for a module is not to import it.
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            sys.meta_path.insert(0, self)
        if spec and spec.loader:
            load = spec.loader.exec_module

            def load_quietly(module) -> None:
                if self in sys.meta_path:
                    sys.meta_path.remove(self)
                with _standard_error_held_back():
                    load(module)

            spec.loader.exec_module = load_quietly  # type: ignore[method-assign]
        return spec


@contextmanager
def _standard_error_held_back() -> Iterator[None]:
    """Redirect file descriptor 2, because libraries do not write to `sys.stderr`."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except UserError:
            raise
        except BaseException:
            os.dup2(terminal, 2)
            held_back.seek(0)
            sys.stderr.buffer.write(held_back.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
