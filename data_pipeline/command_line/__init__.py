"""How every command of `ser` explains itself and completes what is typed.

- `commands`: the groups of commands, whose help is laid out here; `help_page`: the layout.
- `completion`: what the shell offers for an argument or an option.
"""

from data_pipeline.command_line.commands import CommandLine, Group

__all__ = ["CommandLine", "Group"]
