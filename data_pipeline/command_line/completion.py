"""What the shell offers when a user presses the tabulator key after a part of an argument.

`ser --install-completion` sets the shell up. Each press runs `ser`, so nothing here may import TensorFlow.
"""

from collections.abc import Callable, Iterable

import typer


def one_of(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """A completion by one of some names.

    Args:
        names: Gives the names when they are needed.
    """

    def complete(incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return complete


def several_of(names: Iterable[str]) -> Callable[[str], list[str]]:
    """A completion of a list with commas, in which each name is given once.

    Args:
        names: The names.
    """

    def complete(incomplete: str) -> list[str]:
        *given, last = incomplete.split(",")
        before = "".join(f"{name}," for name in given)
        return [f"{before}{name}" for name in names if name.startswith(last) and name not in given]

    return complete


def corpora(argument: str) -> Callable[[typer.Context, str], list[str]]:
    """A completion by the names of corpora, as in `crema_d=PLACE` and `crema_d PLACE`.

    Args:
        argument: Name of the argument, which holds the words before.
    """

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        from data_pipeline.corpora import CORPORA

        # Bash makes a word of `=`. A place follows, for which it offers files if it is given no names.
        typed: list[str] = ctx.params.get(argument) or ctx.args
        last = typed[-1] if typed else ""
        return [] if last == "=" or last in CORPORA else one_of(lambda: CORPORA)(incomplete)

    return complete
