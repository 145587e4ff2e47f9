"""The flags of `ser train NAME`, from the settings that a family declares."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from data_pipeline.command_line.completion import several_of
from data_pipeline.settings import Declared, Flag
from training.families.family import Family

_PANELS = {"model": "Network", "head": "Network", "fit": "Training", "augment": "Augmentation", "target": "Labels"}
"""Headings of `--help`, by the section that a setting is in."""

_OTHER_PANEL = "Fine-tuning"

_SCALARS = (int, float, bool, str)


def train_command(family: Family, run: Callable[..., None]) -> Callable[..., None]:
    """The function of `ser train NAME`, with a signature that typer reads.

    Args:
        family: The family that is trained.
        run: Called with the family, `data`, `run`, `config`, `preset` and `strategy`, and `values`: the settings that
            were given, nested as the recipe's fields are.
    """
    flags = dict(_flags(family))

    def command(**given: Any) -> None:
        values: dict[str, Any] = {}
        for name, setting in flags.items():
            value = given.pop(name)
            if value is not None:
                *sections, last = setting.path
                place = values
                for section in sections:
                    place = place.setdefault(section, {})
                place[last] = value
        run(family, values=values, **{"preset": None, **given})

    parameters = [*_first(family), *(_parameter(name, setting, family) for name, setting in flags.items()), _STRATEGY]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    kept = "Keeps the weights of the epoch with the best unweighted accuracy (UA) on the validation speakers, unless "
    command.__doc__ = f"{family.summary}\n\n{kept}`--keep last` is given.\n\n{family.help}"
    return command


def flag_of(setting: Declared) -> str | None:
    """The name of a setting's flag, such as `--batch-size`; None for a setting that only a file can state."""
    if flag := setting.found(Flag):
        return flag.name
    return "--" + setting.path[-1].replace("_", "-") if _option_type(setting) is not None else None


def _flags(family: Family) -> Iterator[tuple[str, Declared]]:
    """The settings that have flags, by the name of the parameter, in the order of the recipe's sections."""
    for setting in family.settings().values():
        if flag := flag_of(setting):
            yield flag.removeprefix("--").replace("-", "_"), setting


def _option_type(setting: Declared) -> Any:
    """The type that the command line reads, or None for a setting that only a file can state."""
    if get_origin(setting.type) is Literal:
        return setting.type
    kinds = [get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in get_args(setting.type)]
    kinds = [kind for kind in kinds or [setting.type] if kind is not type(None)]
    if Path in kinds:
        return str
    return kinds[0] if len(kinds) == 1 and kinds[0] in _SCALARS else None


def _parameter(name: str, setting: Declared, family: Family) -> inspect.Parameter:
    flag = setting.found(Flag) or Flag(None)
    kind = _option_type(setting) or str
    option = "--" + name.replace("_", "-")
    bounds = {type(one).__name__: one for one in setting.field.metadata}
    info = typer.Option(
        f"{option}/--no-{name.replace('_', '-')}" if kind is bool else option,
        help=setting.help,
        metavar=flag.metavar,
        autocompletion=several_of(flag.names) if flag.names else None,
        show_default=_default(setting, family),
        rich_help_panel=_PANELS.get(setting.path[-2], _OTHER_PANEL) if len(setting.path) > 1 else _OTHER_PANEL,
        **_limits(kind, bounds),
    )
    return _keyword(name, Annotated[kind | None, info], None)


def _limits(kind: Any, bounds: dict[str, Any]) -> dict[str, Any]:
    # Typer knows closed ranges only. The settings check the rest.
    if kind not in (int, float):
        return {}
    low, high = bounds.get("Ge") or bounds.get("Gt"), bounds.get("Le") or bounds.get("Lt")
    return {
        **({"min": getattr(low, "ge", getattr(low, "gt", None))} if low else {}),
        **({"max": getattr(high, "le", getattr(high, "lt", None))} if high else {}),
    }


def default_in_words(setting: Declared, family: Family) -> str:
    """The value of a setting in each preset, such as `16; telephone: 30, listeners: 36`; empty for none."""
    values = {name: _shown(setting.of(recipe)) for name, recipe in family.presets.items()}
    first = next(iter(values.values()))
    others = ", ".join(f"{name}: {value}" for name, value in values.items() if value != first)
    return "; ".join(part for part in (first, others) if part)


def _default(setting: Declared, family: Family) -> str | bool:
    return default_in_words(setting, family) or False


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(_shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _first(family: Family) -> list[inspect.Parameter]:
    """The arguments, `--config` and `--preset`."""
    required = inspect.Parameter.empty
    parameters = [
        _keyword("data", Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")], required),
        _keyword(
            "run",
            Annotated[
                Path,
                typer.Argument(
                    help="The run folder to write. The same command continues a training that was interrupted."
                ),
            ],
            required,
        ),
        _keyword(
            "config",
            Annotated[
                Path | None,
                typer.Option(
                    "--config",
                    metavar="FILE",
                    help="Settings with the names of a run's `config.json`: a TOML or JSON file, or a run folder. "
                    "Flags override them.",
                ),
            ],
            None,
        ),
    ]
    if len(family.presets) > 1:
        notes = "; ".join(f"`{name}`: {note}" for name, note in family.preset_notes.items())
        names = Literal[tuple(family.presets)]  # type: ignore[valid-type]  # known only when it runs
        option = typer.Option(
            help=f"Named settings. {notes}. Flags override them.", show_default=next(iter(family.presets))
        )
        parameters.append(_keyword("preset", Annotated[names | None, option], None))
    return parameters


_STRATEGY = _keyword(
    "strategy",
    Annotated[
        Literal["none", "mirrored", "multiworker"],
        typer.Option(
            help="TensorFlow's strategy for many devices: `mirrored` (all GPUs of this machine) or `multiworker` ("
            "those of all machines in the environment variable TF_CONFIG; give each the same command). A batch is "
            "divided among them."
        ),
    ],
    "none",
)
